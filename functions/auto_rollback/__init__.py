"""Undoes a promotion when an alarm of the service fires soon after it."""
