"""Lines of log groups."""

from collections.abc import Callable

from ministack.services import cloudwatch_logs

from tests.support.filter_patterns import matches


def filter_lines_by_members() -> None:
    """Let FilterLogEvents find lines by members of their JSON."""
    compile_words = cloudwatch_logs._compile_filter_pattern

    def compiled(pattern: str) -> Callable[[str], bool]:
        if pattern.strip().startswith("{"):
            return lambda line: matches(pattern, line)
        known: Callable[[str], bool] = compile_words(pattern)
        return known

    cloudwatch_logs._compile_filter_pattern = compiled
