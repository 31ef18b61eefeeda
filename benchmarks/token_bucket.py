"""A bucket of tokens, as AWS limits the rate of its calls."""


class TokenBucket:
    """Tokens that come at a rate and are kept for a second; it is full at first.

    Parameters
    ----------
    rate
        Tokens per second.
    now
        Time of the start, in seconds.
    """

    def __init__(self, rate: float, now: float = 0.0) -> None:
        self._rate, self._tokens, self._at = rate, rate, now

    def take(self, now: float) -> bool:
        """Take a token, if there is one.

        Parameters
        ----------
        now
            Time in seconds, never before that of the call before.
        """
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
