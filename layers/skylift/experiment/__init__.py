"""An experiment: a challenger beside the champion, who is asked which, and what its counts say of it."""
