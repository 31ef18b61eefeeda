"""What the stand-in for the AWS CLI refuses, the real one refuses."""

import pytest

from tests.support import aws_cli


@pytest.mark.parametrize(
    "command",
    [
        "s3apis list-buckets",
        "codedeploy list-applications",
        "s3api list-bucket",
        "s3api list-object-versions",
        "s3api list-object-versions --bucket b --prefixes p",
        "s3api delete-objects --bucket b --delete Objects",
        "lambda put-function-concurrency --function-name f --reserved-concurrent-executions many",
        "ssm put-parameter --name n --value v extra --type String",
        "cloudformation wait stack-deleted --stack-name s",
        "cloudformation deploy --stack s",
        "ssm get-parameter /skylift/dev/iris/active",
    ],
)
def test_what_does_not_exist_is_refused(command: str) -> None:
    with pytest.raises(aws_cli.WrongUsage):
        aws_cli.main(command.split())


def test_it_ends_with_an_error_as_a_program() -> None:
    outcome = aws_cli.aws(["s3api", "fly"])

    assert (outcome.code, outcome.stdout) == (1, "")
    assert "s3 has no fly" in outcome.stderr
