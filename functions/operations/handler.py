"""The Lambda entry."""

from operations.compose import compose
from skylift.http.gateways import lambda_handler

handler = lambda_handler(compose())
