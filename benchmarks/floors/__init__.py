"""What no service of this kind can go below: functions that do nothing."""
