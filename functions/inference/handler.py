"""The Lambda entry."""

from snapshot_restore_py import register_after_restore, register_before_snapshot

from inference.compose import compose
from skylift.http.gateways import lambda_handler

service = compose()
register_before_snapshot(service.before_snapshot)
register_after_restore(service.after_restore)

handler = lambda_handler(service.app)
