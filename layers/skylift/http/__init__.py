"""The border of a function that answers HTTP: plain ASGI, from Lambda events and bodies to problems and log lines."""
