"""Traffic on its whole way: predictions, log group, subscription, Firehose, bucket, monitor, report, alarm.

Each part loses a right, is throttled or killed once: predictions are never affected, nothing counts twice, and what was
lost is said.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from botocore.exceptions import ClientError

from skylift.monitoring.records import Reader, Record
from skylift.references import NOTHING
from tests.e2e.conftest import Step
from tests.e2e.stack import STACK, Stack
from tests.support.models import IRIS_SETOSA
from tests.support.waiting import wait_until

HOUR = timedelta(hours=1)
# More digits than a timestamp has, so that a line that holds one holds the value.
FAR = IRIS_SETOSA | {"petal_length": 6.1234567, "petal_width": 2.4176543}
"""Values of another species' petals on setosa's sepals: traffic that is unlike training."""

ROWS = 60
CLASSES = ("setosa", "versicolor", "virginica")


@pytest.fixture(scope="module", autouse=True)
def _a_model_serves(stack: Stack, quick_config: Path) -> None:
    if stack.pointer == NOTHING:
        stack.done("Publish", "train", "--config", quick_config)
        stack.done("Promote", "promote", "v1")
    wait_until(lambda: stack.predict(IRIS_SETOSA).status == 200, what="it serves")


class Asked(NamedTuple):
    """Predictions that one window holds, by their ids."""

    hour: datetime
    ids: set[str]


@pytest.fixture(scope="module")
def asked(stack: Stack) -> Asked:
    """Predictions of an hour, which is judged from here on, whatever hour has begun meanwhile."""
    while True:
        hour, ids = this_hour(), {ask(stack) for _ in range(ROWS)}
        if this_hour() == hour:
            return Asked(hour, ids)


def this_hour() -> datetime:
    """The beginning of this hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def place(stack: Stack, folder: str) -> dict[str, str]:
    """Where a folder of the model is."""
    return {"Bucket": stack.outputs["ModelBucketName"], "Prefix": f"{folder}/iris/"}


def keys(stack: Stack, folder: str) -> list[str]:
    """Keys of the model's objects in a folder."""
    found = stack.aws.client("s3").list_objects_v2(**place(stack, folder))
    return [item["Key"] for item in found.get("Contents", [])]


def read(stack: Stack, key: str) -> bytes:
    """An object of the bucket."""
    body = stack.aws.client("s3").get_object(Bucket=stack.outputs["ModelBucketName"], Key=key)["Body"]
    return bytes(body.read())


def captured(stack: Stack) -> list[Record]:
    """Records of all captures, each once."""
    reader = Reader()
    return [record for key in keys(stack, "captures") for record in reader.chunks([read(stack, key)])]


def answered(stack: Stack) -> set[str | None]:
    """Ids of all captured answers."""
    return {record.id for record in captured(stack) if record.status == 200}


def requests(stack: Stack, report: Mapping[str, Any]) -> int:
    """Number of captured answers that a report is on."""
    start, end = (datetime.fromisoformat(report["window"][name]).timestamp() for name in ("from", "to"))
    found = [record for record in captured(stack) if record.status == 200 and start <= record.at < end]
    return sum(record.version == report["version"] for record in found)


def labelled(stack: Stack) -> dict[str, str]:
    """Labels that were kept from calls, by the ids of their predictions, which have one instance each."""
    lines = [line for key in keys(stack, "labels") for line in read(stack, key).splitlines()]
    return {label["id"].removesuffix("#0"): label["label"] for label in map(json.loads, lines)}


def drop(stack: Stack, name: str, *lines: str) -> None:
    """Drop a file of labels."""
    key = f"labels/iris/{name}"
    stack.aws.client("s3").put_object(Bucket=stack.outputs["ModelBucketName"], Key=key, Body="\n".join(lines).encode())


def arrives(stack: Stack, prediction: str) -> bool:
    """Whether a prediction is captured."""
    return prediction in answered(stack)


def ask(stack: Stack, instance: Mapping[str, float] = FAR) -> str:
    """The id of an answer."""
    answer = stack.predict(instance)
    assert answer.status == 200
    return str(answer.body["id"])


def run_after(hour: datetime) -> str:
    """Time at which the monitor judges an hour."""
    return (hour + HOUR + timedelta(minutes=20)).isoformat()


def again(stack: Stack, hour: datetime) -> str:
    """Have the one before an hour judged last; the time at which a run judges the hour."""
    report = latest(stack)
    assert report is not None
    report["window"] |= {"from": (hour - HOUR).isoformat(), "to": hour.isoformat()}
    key, bucket = "reports/iris/latest.json", stack.outputs["ModelBucketName"]
    stack.aws.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(report).encode())
    return run_after(hour)


def judged(stack: Stack, time: str) -> dict[str, Any]:
    """The report of a run that succeeds."""
    told = stack.invoke("MonitorFunction", {"time": time})
    assert told["failed"] is None
    assert len(told["states"]) == 1
    report = latest(stack)
    assert report is not None
    return report


def points(stack: Stack, metric: str, statistic: str = "Maximum") -> list[float]:
    """Values of a metric of the model in the last minutes."""
    now = datetime.now(UTC)
    found = stack.aws.client("cloudwatch").get_metric_statistics(
        Namespace="Skylift",
        MetricName=metric,
        Dimensions=[{"Name": "stage", "Value": "dev"}, {"Name": "model", "Value": "iris"}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=[statistic],
    )
    return [point[statistic] for point in found["Datapoints"]]


def fires(stack: Stack, alarm: str) -> bool:
    """Whether an alarm of the stack fires."""
    [found] = stack.aws.client("cloudwatch").describe_alarms(AlarmNames=[f"{STACK}-{alarm}"])["MetricAlarms"]
    return bool(found["StateValue"] == "ALARM")


def call_monitor(stack: Stack, time: str) -> None:
    """Have the schedule call the monitor in a moment, as if it were a later time."""
    stack.call_soon("monitor", Input=json.dumps({"time": time}))


def latest(stack: Stack) -> dict[str, Any] | None:
    """The latest report."""
    with suppress(ClientError):
        found: dict[str, Any] = json.loads(read(stack, "reports/iris/latest.json"))
        return found
    return None


def logged(stack: Stack, output: str, word: str) -> list[str]:
    """The lines of a log group that hold a word."""
    group = stack.outputs[f"{output}LogGroupName"]
    events = stack.aws.client("logs").filter_log_events(logGroupName=group, filterPattern=f'"{word}"')["events"]
    return [event["message"] for event in events]


def test_predictions_reach_the_bucket_and_no_value_of_theirs(stack: Stack, asked: Asked, step: Step) -> None:
    refused = stack.predict(FAR | {"petal_length": 10**400})
    with step(f"{ROWS} predictions to the bucket"):
        wait_until(lambda: asked.ids <= answered(stack), what="all are captured")
    assert len(asked.ids) == ROWS
    assert refused.status == 422
    wait_until(
        lambda: any(record.fields == ("petal_length",) for record in captured(stack)),
        what="the refused one is captured",
    )
    lines = [json.dumps(record.document) for record in captured(stack)]
    assert not [line for line in lines if "6.1234567" in line or "2.4176543" in line or "0" * 50 in line]


def test_the_schedule_has_them_judged_and_everybody_can_read_it(stack: Stack, asked: Asked, step: Step) -> None:
    def told_of() -> int:
        return stack.ask("/drift-status", keys=stack.caller).status

    bucket = stack.outputs["ModelBucketName"]  # by the clock, the schedule may have called the monitor already
    stack.aws.client("s3").delete_object(Bucket=bucket, Key="reports/iris/latest.json")
    wait_until(lambda: told_of() == 404, what="nothing is told")
    with step("a run of the monitor"):
        call_monitor(stack, run_after(asked.hour))
        wait_until(lambda: latest(stack) is not None, what="a report is written")
    report = latest(stack)
    assert report is not None
    assert report["state"] == "drift"
    assert report["window"]["rows"] >= ROWS
    wait_until(lambda: told_of() == 200, what="it is told")
    told = stack.ask("/drift-status", keys=stack.caller).body
    assert (told["state"], told["version"]) == ("drift", report["version"])
    drifted = {feature["name"] for feature in told["features"] if feature["state"] == "drift"}
    assert "petal_length" in drifted or "petal_width" in drifted
    wait_until(lambda: max(points(stack, "DriftedFeatures"), default=0) >= 1, what="the metric is written")


def test_a_second_window_with_drift_fires_the_alarm(stack: Stack) -> None:
    point = {
        "MetricName": "DriftedFeatures",
        "Dimensions": [{"Name": "stage", "Value": "dev"}, {"Name": "model", "Value": "iris"}],
        "Value": 1.0,
        "Timestamp": datetime.now(UTC) - HOUR - timedelta(minutes=1),
    }
    stack.aws.client("cloudwatch").put_metric_data(Namespace="Skylift", MetricData=[point])
    wait_until(lambda: fires(stack, "drift"), what="the alarm fires")


def test_labels_are_kept_from_calls_and_from_files(stack: Stack) -> None:
    prediction = ask(stack)
    label = {"id": f"{prediction}#0", "label": "virginica"}
    answer = stack.ask("/labels", {"labels": [label]}, keys=stack.caller)
    assert answer.status in {200, 202}
    assert answer.body["labels"] == 1
    wait_until(lambda: len(keys(stack, "labels")) == 1, what="they are kept")
    assert json.loads(read(stack, keys(stack, "labels")[0]))["id"] == label["id"]
    assert stack.ask("/labels", {"labels": [label]}).status == 403
    assert stack.ask("/labels", {"labels": [label | {"label": "tulip"}]}, keys=stack.caller).status == 422


def test_a_capture_that_is_delivered_again_counts_once(stack: Stack, asked: Asked) -> None:
    before = latest(stack)
    assert before is not None
    last = ask(stack)
    wait_until(lambda: arrives(stack, last), what="all are captured")
    bucket = stack.outputs["ModelBucketName"]
    for number, key in enumerate(keys(stack, "captures")):
        copy = {"Bucket": bucket, "Key": f"{key}-again-{number}", "CopySource": {"Bucket": bucket, "Key": key}}
        stack.aws.client("s3").copy_object(**copy)
    stack.aws.client("s3").delete_object(Bucket=bucket, Key="reports/iris/latest.json")
    told = stack.invoke("MonitorFunction", {"time": run_after(asked.hour)})
    assert told["failed"] is None
    after = latest(stack)
    assert after is not None
    assert after["window"]["requests"] == requests(stack, after)
    assert after["window"]["duplicates"] >= before["window"]["rows"]


def test_lines_that_firehose_may_not_write_wait_and_it_says_so(stack: Stack) -> None:
    with stack.without("CaptureRole", "s3:PutObject"):
        prediction = ask(stack)
        wait_until(lambda: bool(logged(stack, "Capture", "AccessDenied")), what="it is said")
        assert not arrives(stack, prediction)
    wait_until(lambda: arrives(stack, prediction), what="they arrive after all")


def test_lines_that_may_not_be_handed_over_are_lost_and_counted_and_stay_in_the_log(stack: Stack) -> None:
    def errors() -> float:
        found = stack.aws.client("cloudwatch").list_metrics(Namespace="AWS/Logs", MetricName="DeliveryErrors")
        return len(found["Metrics"])

    with stack.without("SubscriptionRole", "firehose:PutRecord"):
        prediction = ask(stack)
        wait_until(lambda: errors() > 0, what="it is counted")
    later = ask(stack)
    wait_until(lambda: arrives(stack, later), what="later ones arrive")
    assert not arrives(stack, prediction)
    assert logged(stack, "Inference", prediction)


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "ssm:GetParameter"])
def test_a_monitor_without_a_permission_says_so_and_the_next_run_takes_up_the_window(
    action: str, stack: Stack, asked: Asked
) -> None:
    hours = 1 + ["s3:GetObject", "s3:PutObject", "ssm:GetParameter"].index(action)
    ahead = run_after(asked.hour + hours * HOUR)
    with stack.without("MonitorRole", action):
        told = stack.invoke("MonitorFunction", {"time": ahead})
        assert "AccessDenied" in told["failed"]
        assert stack.predict(IRIS_SETOSA).status == 200
    told = stack.invoke("MonitorFunction", {"time": ahead})
    assert told["failed"] is None
    assert told["states"]
    assert stack.invoke("MonitorFunction", {"time": ahead}) == {"states": {}, "failed": None}
    assert points(stack, "MonitorFailures")


def test_a_schedule_that_may_not_call_the_monitor_judges_nothing(stack: Stack, asked: Asked) -> None:
    before = latest(stack)
    with stack.without("MonitorTimerRole", "lambda:InvokeFunction"):
        call_monitor(stack, run_after(asked.hour + 8 * HOUR))
        ask(stack)
        wait_until(lambda: "a schedule calls nothing" in stack.aws.log(), what="it is refused")
    assert latest(stack) == before


def test_labels_that_may_not_be_written_are_refused_for_now(stack: Stack) -> None:
    before = keys(stack, "labels")
    label = {"id": f"{ask(stack)}#0", "label": "setosa"}
    with stack.without("OperationsRole", "s3:PutObject"):
        assert stack.ask("/labels", {"labels": [label]}, keys=stack.caller).status == 503
    assert stack.ask("/labels", {"labels": [label]}, keys=stack.caller).status in {200, 202}
    assert len(keys(stack, "labels")) == len(before) + 1


def test_a_report_that_the_service_may_not_read_costs_the_report_alone(stack: Stack) -> None:
    with stack.without("InferenceRole", "s3:GetObject"):
        wait_until(lambda: stack.ask("/drift-status", keys=stack.caller).status == 503, what="503")
        assert stack.predict(IRIS_SETOSA).status == 200


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_labels_that_s3_throttles_are_refused_for_now(kind: Literal["refused", "lost"], stack: Stack) -> None:
    before = keys(stack, "labels")
    body = {"labels": [{"id": f"{ask(stack)}#0", "label": "setosa"}]}
    with stack.aws.fault(f"PUT /{stack.outputs['ModelBucketName']}/labels/", kind):
        answer = stack.ask("/labels", body, keys=stack.caller)
        assert answer.status == 503
        assert int(answer.retry_after or 0) > 0
        assert stack.predict(IRIS_SETOSA).status == 200
    assert (keys(stack, "labels") == before) == (kind == "refused")
    assert stack.ask("/labels", body, keys=stack.caller).status == 202
    assert stack.ask("/labels", body, keys=stack.caller).status == 202


def test_labels_of_calls_and_files_come_to_live_accuracy_and_its_alarm(stack: Stack) -> None:
    before, bodies = labelled(stack), {key.rpartition("-")[2] for key in keys(stack, "labels")}
    last = ask(stack)
    wait_until(lambda: arrives(stack, last), what="all are captured")
    found = {str(record.id): record for record in captured(stack) if record.status == 200}
    of_version = {each: record for each, record in found.items() if record.version == found[last].version}
    answers = {each: CLASSES[int(record.document["answers"][0])] for each, record in of_version.items()}
    new = sorted(answers.keys() - before.keys())
    right = {each: answers[each] for each in new[::4]}
    wrong = {each: CLASSES[answers[each] == "setosa"] for each in new[1::4] + new[2::4]}
    sent = [{"id": f"{each}#0", "label": label} for each, label in right.items()]
    assert stack.ask("/labels", {"labels": sent}, keys=stack.caller).status == 202
    table = [f"{each}#0,{label}" for each, label in list(wrong.items())[::2]]
    drop(stack, "table.csv", "id,label", *table, f"{'A' * 16}#0,setosa", f"{last}#0,tulip")
    objects = [{"id": f"{each}#0", "label": label} for each, label in list(wrong.items())[1::2]]
    drop(stack, "2026/lines.jsonl", *map(json.dumps, objects))

    report = judged(stack, again(stack, this_hour()))
    labels = before | right | wrong
    accuracy = sum(answers[each] == label for each, label in labels.items()) / len(labels)
    assert report["live"]["labels"] == len(labels)
    assert report["live"]["value"] == pytest.approx(accuracy)
    predictions = sum(record.instances for record in of_version.values())
    assert report["live"]["predictions"] == predictions
    assert report["live"]["coverage"] == pytest.approx(len(labels) / predictions)
    assert report["live"]["missed"]
    files = len(bodies) + 3
    assert report["labels"] == {"files": files, "files_read": files, "unknown": 1, "refused": 1, "cut": False}
    wait_until(
        lambda: stack.ask("/drift-status", keys=stack.caller).body.get("live") == report["live"],
        what="it is told",
    )
    assert min(points(stack, "LiveAccuracy", "Minimum")) == pytest.approx(accuracy)
    assert max(points(stack, "LabelCoverage")) == pytest.approx(len(labels) / predictions)
    assert max(points(stack, "LiveGatesMissed")) >= 1
    wait_until(lambda: fires(stack, "live-accuracy"), what="the alarm fires")


@pytest.mark.parametrize("place", ["GET /{}/captures/", "PUT /{}/reports/iris/latest"])
def test_a_monitor_that_is_killed_in_a_run_comes_to_the_same_in_the_next(
    place: str, stack: Stack, asked: Asked
) -> None:
    bucket = stack.outputs["ModelBucketName"]
    with stack.aws.fault(f"PUT /{bucket}/captures/"):  # no line arrives in between
        whole = judged(stack, again(stack, asked.hour))
        time = again(stack, asked.hour)
        before = latest(stack)
        with stack.aws.fault(place.format(bucket), "held") as met, ThreadPoolExecutor(1) as running:
            run = running.submit(stack.failure, "MonitorFunction", {"time": time})
            wait_until(lambda: met() > 0, what="it is in the middle")
            stack.aws.kill(stack.physical("MonitorFunction"))
            assert run.result()
            assert stack.predict(IRIS_SETOSA).status == 200
        assert latest(stack) == before
        assert judged(stack, time) == whole


def test_a_monitor_that_s3_throttles_says_so_and_the_next_run_takes_up_the_window(stack: Stack, asked: Asked) -> None:
    time = again(stack, asked.hour)
    before = latest(stack)
    with stack.aws.fault(f"GET /{stack.outputs['ModelBucketName']}/captures/"):
        assert "SlowDown" in stack.invoke("MonitorFunction", {"time": time})["failed"]
        assert stack.predict(IRIS_SETOSA).status == 200
    assert latest(stack) == before
    assert judged(stack, time)["window"]["rows"] >= ROWS


def test_a_monitor_that_ssm_throttles_waits_and_predictions_do_not(stack: Stack, asked: Asked) -> None:
    time = again(stack, asked.hour)
    with ThreadPoolExecutor(1) as running:
        with stack.aws.fault("AmazonSSM.GetParameter") as met:
            run = running.submit(judged, stack, time)
            wait_until(lambda: met() > 0, what="it is throttled")
            assert stack.predict(IRIS_SETOSA).status == 200
            assert not run.done()
        assert run.result()["window"]["rows"] >= ROWS


def test_lines_that_firehose_writes_again_because_it_heard_no_answer_count_once(stack: Stack) -> None:
    def deliveries(prediction: str) -> int:
        objects = [Reader().chunks([read(stack, key)]) for key in keys(stack, "captures")]
        return sum(prediction in {record.id for record in records} for records in objects)

    hour = this_hour()
    with stack.aws.fault(f"PUT /{stack.outputs['ModelBucketName']}/captures/", "lost"):
        prediction = ask(stack)
        wait_until(lambda: arrives(stack, prediction), what="it is written")
        wait_until(lambda: bool(logged(stack, "Capture", "SlowDown")), what="it is said")
    wait_until(lambda: deliveries(prediction) > 1, what="it is written again")
    report = judged(stack, again(stack, hour))
    assert report["window"]["requests"] == requests(stack, report)
    assert report["window"]["duplicates"] > 0
