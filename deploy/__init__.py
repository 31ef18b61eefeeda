"""Deploying to a real account, by hand or from a workflow: `python -m deploy --help`.

AWS's own `sam` builds and deploys; this package checks first, says what will happen, and tries the result.
"""
