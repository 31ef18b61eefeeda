"""What scores tables in the stack: by request alone, within bounds, with rights for that."""

from tests.support.templates import EVERYTHING, stack_of

BATCHES = "ModelBucket.Arn/batches/iris/*"
OURS = {"Batch": "true"}


def test_it_is_there_only_where_it_is_asked_for() -> None:
    stack = stack_of()
    assert not [name for name in (*stack.resources, *stack.outputs) if "Batch" in name]


def test_it_reads_versions_and_writes_answers_and_nothing_else() -> None:
    assert stack_of(**OURS).grants("BatchRole") == {
        "s3:GetObject": {"ModelBucket.Arn/models/iris/*", BATCHES},
        "s3:PutObject": {BATCHES},
        "s3:ListBucket": {"ModelBucket.Arn"},
        "logs:CreateLogStream": {"BatchLogGroup.Arn"},
        "logs:PutLogEvents": {"BatchLogGroup.Arn"},
        "xray:PutTraceSegments": {"*"},
        "xray:PutTelemetryRecords": {"*"},
    }


def test_a_bucket_of_yours_is_added_and_no_other() -> None:
    grants = stack_of(**OURS, BatchBucketName="tables").grants("BatchRole")
    assert grants["s3:PutObject"] == {BATCHES, "arn:aws:s3:::tables/*"}
    assert grants["s3:ListBucket"] == {"ModelBucket.Arn", "arn:aws:s3:::tables"}


def test_the_state_machine_reads_plans_and_calls_one_function() -> None:
    grants = stack_of(**OURS).grants("BatchMachineRole")
    assert grants["s3:GetObject"] == {BATCHES}
    assert grants["lambda:InvokeFunction"] == {"BatchFunction.Arn"}
    assert grants["states:StartExecution"] == {"arn:aws:states:eu-central-1:123456789012:stateMachine:skylift-batch"}


def test_as_many_parts_at_once_as_it_has_concurrency_of_its_own() -> None:
    stack = stack_of(**OURS, BatchConcurrency="7", BatchToleratedFailures="5")
    assert stack.properties("BatchFunction")["ReservedConcurrentExecutions"] == "7"
    given = stack.properties("BatchStateMachine")["DefinitionSubstitutions"]
    assert (given["Concurrency"], given["ToleratedFailures"]) == ("7", "5")
    assert given["Function"] == "BatchFunction.Arn"


def test_a_part_and_its_tries_fit_into_an_express_execution() -> None:
    seconds = stack_of(**EVERYTHING).properties("BatchFunction")["Timeout"]
    assert 2 * int(seconds) < 5 * 60
