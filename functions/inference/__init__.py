"""The service: HTTPS in, prediction out."""
