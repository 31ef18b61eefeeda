"""Bodies that cost a careless service far more to refuse than a valid one of their size costs to answer."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice

type Names = Sequence[str]

BLANKS = " \t\n\u2003\u2009"


def valid(names: Names, size: int) -> bytes:
    """As many instances as fit, all numbers."""
    return _instances([dict.fromkeys(names, 5.1)], size)


def nested(names: Names, size: int) -> bytes:
    """Arrays in arrays, as deep as a parser follows."""
    return b'{"x": [%s]}' % _filled(b"[" * 150 + b"]" * 150, size - 9)


def empty_arrays(names: Names, size: int) -> bytes:
    """Arrays in place of values."""
    return b'{"x": [%s]}' % _filled(b"[]", size - 9)


def empty_objects(names: Names, size: int) -> bytes:
    """Instances that lack everything."""
    return b'{"instances": [%s]}' % _filled(b"{}", size - 17)


def a_thousand_empty_objects(names: Names, size: int) -> bytes:
    """As many of them as a request may hold, before blanks."""
    return b'{"instances": [%s]}' % _filled(b"{}", min(size - 17, 2999)) + b" " * max(size - 3016, 0)


def zeros(names: Names, size: int) -> bytes:
    """An object that holds one array of numbers, and no feature."""
    return b'{"x": [%s]}' % _filled(b"0", size - 9)


def positions(names: Names, size: int) -> bytes:
    """Too many values by position."""
    return b'{"features": [%s]}' % _filled(b"0", size - 16)


def unknown_names(names: Names, size: int) -> bytes:
    """One object of short unknown names."""
    return b"{%s}" % b",".join(_names_in(size))


def unknown_names_in_instances(names: Names, size: int) -> bytes:
    """A thousand objects of them."""
    fields = list(_names_in(size - 3017))
    each = max(len(fields) // 1000, 1)
    objects = (b"{%s}" % b",".join(fields[start : start + each]) for start in range(0, len(fields), each))
    return b'{"instances": [%s]}' % b",".join(islice(objects, 1000))


def unknown_names_in_one_instance(names: Names, size: int) -> bytes:
    """One object of them in an array."""
    return b'{"instances": [%s]}' % unknown_names(names, size - 17)


def misspelt_names(names: Names, size: int) -> bytes:
    """Names made of the letters of true ones."""
    return _objects(_shuffled(names), size)


def names_but_for_blanks(names: Names, size: int) -> bytes:
    """True names, each in as many spellings as blanks allow."""
    spelt = (f"{_number(index, BLANKS)}{names[index % len(names)]}" for index in count(1))
    return _objects(spelt, size)


def combining_marks(names: Names, size: int) -> bytes:
    """A name of marks that Unicode puts in an order, which takes time by the square of their number."""
    return json.dumps({"\u0315\u0327" * (size // 4): 1}, ensure_ascii=False).encode()


def combining_marks_in_values(names: Names, size: int) -> bytes:
    """The same as values, each of moderate length."""
    return _instances([dict.fromkeys(names, "a" + "\u0315\u0327" * 250)], size)


def wrong_values(names: Names, size: int) -> bytes:
    """All names right, all values wrong."""
    return _instances([dict.fromkeys(names, True)], size)


def last_value_wrong(names: Names, size: int) -> bytes:
    """Everything right, but the last value."""
    whole = valid(names, size)
    return whole[: whole.rindex(b"5.1")] + b'"5"' + whole[whole.rindex(b"5.1") + 3 :]


def repeated_names(names: Names, size: int) -> bytes:
    """One name again and again."""
    return b"{%s}" % _filled(b'"%s":[]' % names[0].encode(), size - 2)


def brackets_in_texts(names: Names, size: int) -> bytes:
    """Texts full of brackets and escapes."""
    return b'{"x": [%s]}' % _filled(rb'"[{\"[\\"', size - 9)


def digits(names: Names, size: int) -> bytes:
    """A number of that many digits."""
    return b'{"%s": %s}' % (names[0].encode(), b"9" * (size - len(names[0]) - 6))


def long_numbers(names: Names, size: int) -> bytes:
    """Numbers of as many digits as a parser takes."""
    return _instances([dict.fromkeys(names, 10**4000)], size)


def long_text(names: Names, size: int) -> bytes:
    """A text in place of a number."""
    return json.dumps({names[0]: "x" * size}).encode()


def escapes(names: Names, size: int) -> bytes:
    """A name of escapes, the last of which is half a character."""
    return b'{"%s\\ud800": 1}' % (rb"\u0061" * (size // 6))


def cut(names: Names, size: int) -> bytes:
    """A valid body without its end."""
    return valid(names, size)[:-2]


def blanks(names: Names, size: int) -> bytes:
    """Nothing at all."""
    return b" " * size


def array(names: Names, size: int) -> bytes:
    """Right instances in an array that nothing wraps."""
    return valid(names, size)[len('{"instances": ') : -1]


KINDS: dict[str, Callable[[Names, int], bytes]] = {
    kind.__name__: kind
    for kind in (
        *(nested, empty_arrays, empty_objects, a_thousand_empty_objects, zeros, positions),
        *(unknown_names, unknown_names_in_instances, unknown_names_in_one_instance),
        *(misspelt_names, names_but_for_blanks),
        *(combining_marks, combining_marks_in_values, wrong_values, last_value_wrong, repeated_names),
        *(brackets_in_texts, digits, long_numbers, long_text, escapes, cut, blanks, array),
    )
}
"""Each makes a body of about so many bytes for a contract of these names."""


def _filled(part: bytes, size: int) -> bytes:
    return b",".join([part] * max(size // (len(part) + 1), 1))


def _instances(instances: list[dict[str, object]], size: int) -> bytes:
    (instance,) = instances
    part = json.dumps(instance, ensure_ascii=False, separators=(",", ":")).encode()
    return b'{"instances": [%s]}' % _filled(part, size - 17)


def _names_in(size: int) -> Iterator[bytes]:
    used = 0
    for index in count():
        field = b'"%x":0' % index
        used += len(field) + 1
        if used > size - 2:
            return
        yield field


def _objects(spelt: Iterator[str], size: int) -> bytes:
    fields, used = [], 2
    for name in spelt:
        fields.append(f"{json.dumps(name, ensure_ascii=False)}:1".encode())
        used += len(fields[-1]) + 1
        if used >= size:
            return b"{%s}" % b",".join(fields)
    raise AssertionError("names end")


def _shuffled(names: Names) -> Iterator[str]:
    source = random.Random(0)
    while True:
        for name in names:
            yield "".join(source.sample(name, len(name)))


def _number(index: int, digits: str) -> str:
    text = ""
    while index:
        index, digit = divmod(index, len(digits))
        text += digits[digit]
    return text
