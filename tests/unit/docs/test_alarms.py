"""Every alarm has a section in the runbook."""

import re

from tests.support.paths import ROOT


def test_each_alarm_of_the_template_has_a_heading_in_the_runbook() -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    runbook = (ROOT / "docs" / "runbooks" / "alarms.md").read_text(encoding="utf-8")
    alarms = re.findall(r'AlarmName: !Sub "\$\{AWS::StackName\}-([a-z-]+)"', template)

    assert len(alarms) == template.count("Type: AWS::CloudWatch::Alarm")
    assert re.findall(r"^## (.+)$", runbook, flags=re.MULTILINE) == alarms
