"""What tests share: tables, trained models and fakes."""
