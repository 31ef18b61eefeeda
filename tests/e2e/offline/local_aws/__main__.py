"""Add to ministack what it lacks, and start it."""

import ministack.app as gateway

from tests.e2e.offline.local_aws.captures import buffer_in_firehose, deliver_lines_to_firehose
from tests.e2e.offline.local_aws.code_deployments import deploy_aliases
from tests.e2e.offline.local_aws.durable_functions import run_durable_functions
from tests.e2e.offline.local_aws.events import (
    queue_events,
    tell_changes_of_alarms,
    tell_changes_of_parameters,
    try_events_again,
)
from tests.e2e.offline.local_aws.faults import fail_where_asked
from tests.e2e.offline.local_aws.functions import (
    keep_versions,
    publish_only_changes,
    read_all_lines_of_an_invocation,
    run_images_as_lambda_does,
    weigh_aliases,
)
from tests.e2e.offline.local_aws.http_apis import count_requests, serve_http_api_bodies
from tests.e2e.offline.local_aws.images import (
    log_in_to_own_registry,
    miss_images_that_are_not_there,
    refuse_tags_that_exist,
)
from tests.e2e.offline.local_aws.listening import listen_for_containers, stand_behind_tls
from tests.e2e.offline.local_aws.logs import filter_lines_by_members
from tests.e2e.offline.local_aws.metrics import accept_alarms_on_expressions, evaluate_alarms, read_embedded_metrics
from tests.e2e.offline.local_aws.parameters import limit_readings_of_parameters
from tests.e2e.offline.local_aws.policies import (
    ask_for_all_alarms,
    ask_for_each_parameter,
    ask_for_the_stream_of_a_log_group,
    ask_for_what_is_done_to_an_alias,
    tell_policies_how_objects_are_written,
)
from tests.e2e.offline.local_aws.resources import accept_inert_types, accept_oidc_providers
from tests.e2e.offline.local_aws.schedules import call_by_role
from tests.e2e.offline.local_aws.templates import transform_with_parameters

serve_http_api_bodies()
count_requests()
transform_with_parameters()
accept_inert_types()
accept_alarms_on_expressions()
accept_oidc_providers()
weigh_aliases()
run_durable_functions()
run_images_as_lambda_does()
read_all_lines_of_an_invocation()
keep_versions()
publish_only_changes()
deploy_aliases()
evaluate_alarms()
read_embedded_metrics()
filter_lines_by_members()
tell_changes_of_parameters()
tell_changes_of_alarms()
try_events_again()
queue_events()
deliver_lines_to_firehose()
buffer_in_firehose()
call_by_role()
log_in_to_own_registry()
refuse_tags_that_exist()
miss_images_that_are_not_there()
limit_readings_of_parameters()
fail_where_asked()
listen_for_containers()
stand_behind_tls()
tell_policies_how_objects_are_written()
ask_for_all_alarms()
ask_for_each_parameter()
ask_for_the_stream_of_a_log_group()
ask_for_what_is_done_to_an_alias()
gateway._HEALTH_PATHS = ("/_ministack/health",)  # leave /health to the deployed API
gateway.main()
