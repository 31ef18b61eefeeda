"""Records of requests from lines of the log, wherever they are kept: files, S3 objects, a log group.

What cannot be read is counted and skipped: no line fails the others. A record that is delivered twice counts once.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Self

from pydantic_core import from_json

MAX_LINE = 64 * 2**20
"""Bytes of a line: an envelope has one line, and at most 1 MiB when it is compressed."""

_CHUNK = 2**20
_MEMBER = b"\x1f\x8b\x08"
"""How a gzip member begins."""

_GZIP = 31  # zlib's window bits for a gzip member
_PATH = "/predict"
_PROTOCOL = "v2"
_MEMBER_NAME = '"protocol"'
_ENVELOPE = '{"messageType"'
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Record:
    """What the line of a request says.

    Parameters
    ----------
    at
        Time of the line, in seconds since 1970.
    status
        HTTP status of the response.
    version
        Name of the version that answered.
    id
        Id of the predictions; None for a request that was refused, and in lines of older releases.
    profile
        The member as it stands; None without one.
    instances
        Number of rows that were answered.
    reason
        Code of the problem; None for a request that was answered.
    fields
        Names of the features that the problem names.
    document
        The whole line.
    """

    at: float
    status: int
    version: str
    id: str | None
    profile: Any
    instances: int
    reason: str | None
    fields: tuple[str, ...]
    document: dict[str, Any]

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Read the line of a request for predictions.

        Raises
        ------
        ValueError
            It has not the members that such lines have.
        """
        at, version, fields = document.get("timestamp"), document.get("version"), document.get("fields") or ()
        status, instances = document.get("status"), document.get("instances")
        if not (isinstance(at, str) and isinstance(version, str) and type(status) is type(instances) is int):
            raise ValueError("it is not the line of a request")
        if not isinstance(fields, list | tuple) or not all(isinstance(field, str) for field in fields):
            raise ValueError("its fields are not names")
        name, reason = document.get("id"), document.get("reason")
        return cls(
            at=datetime.fromisoformat(at).timestamp(),
            status=status,
            version=version,
            id=name if isinstance(name, str) else None,
            profile=document.get("profile"),
            instances=instances,
            reason=reason if isinstance(reason, str) else None,
            fields=tuple(fields),
            document=document,
        )


def _asks(document: dict[str, Any]) -> bool:
    """Whether a line is of a request for predictions, in whatever protocol."""
    return document.get("path") == _PATH or document.get("protocol") == _PROTOCOL


class Reader:
    """Reads each record once, from any number of sources.

    Attributes
    ----------
    unreadable
        Number of lines, envelopes and gzip members that could not be read.
    duplicates
        Number of records that had been read before.
    cut
        Whether a source held more than it reads at most, and left the rest.
    late
        Number of records that a source held too long after the window of their own time, which lacks them.
    """

    def __init__(self) -> None:
        self.unreadable = 0
        self.duplicates = 0
        self.cut = False
        self.late = 0
        self._seen: set[str] = set()

    def file(self, path: Path) -> Iterator[Record]:
        """Records of a log file, compressed or not, that may still grow: half a line at its end is left for later."""
        with path.open("rb") as file:
            yield from self.chunks(iter(lambda: file.read(_CHUNK), b""), growing=True)

    def chunks(self, chunks: Iterable[bytes], *, growing: bool = False) -> Iterator[Record]:
        """Records of an object in S3.

        Parameters
        ----------
        chunks
            Bytes in parts of any size: lines or CloudWatch's envelopes, as text or as gzip members.
        growing
            Whether a last line or member without an end is left out, and not counted.
        """
        stream = iter(chunks)
        first = next((chunk for chunk in stream if chunk), b"")
        whole: Iterable[bytes | None] = chain([first], stream)
        if first[:1] == _MEMBER[:1]:  # which no text begins with
            whole, growing = self._gunzipped(chain([first], stream), growing=growing), False
        for line in self._lines(whole, growing=growing):
            yield from self._line(line)

    def events(self, events: Iterable[dict[str, Any]]) -> Iterator[Record]:
        """Records of a log group: events as `FilterLogEvents` answers them."""
        for event in events:
            yield from self._message(event.get("message"), event.get("eventId"))

    def _line(self, line: bytes) -> Iterator[Record]:
        if b'"logEvents"' not in line:
            yield from self._message(line, None)
            return
        for document in self._envelopes(line):
            events = document.get("logEvents") if isinstance(document, dict) else None
            if not isinstance(events, list):
                self.unreadable += 1
                continue
            for event in events:
                if isinstance(event, dict):
                    yield from self._message(event.get("message"), event.get("id"))
                else:
                    self.unreadable += 1

    def _message(self, message: Any, event: Any) -> Iterator[Record]:
        """The record of one line, if it is one: a log has other lines as well."""
        if not isinstance(message, str | bytes):
            self.unreadable += 1
            return
        signs = (_PATH, _MEMBER_NAME)
        if not any(sign.encode() in message if isinstance(message, bytes) else sign in message for sign in signs):
            return
        try:
            document = from_json(message)
            if not isinstance(document, dict) or not _asks(document) or "status" not in document:
                return
            record = Record.of(document)
        except ValueError:
            self.unreadable += 1
            return
        key = record.id or event
        if isinstance(key, str):
            if key in self._seen:
                self.duplicates += 1
                return
            self._seen.add(key)
        yield record

    def _envelopes(self, line: bytes) -> Iterator[Any]:
        """JSON values that follow each other: Firehose puts nothing between envelopes."""
        text, place = line.decode(errors="replace").rstrip(), 0
        while 0 <= place < len(text):
            try:
                document, place = _DECODER.raw_decode(text, place)
            except (ValueError, RecursionError):
                self.unreadable += 1
                place = text.find(_ENVELOPE, place + 1)
            else:
                yield document

    def _lines(self, chunks: Iterable[bytes | None], *, growing: bool) -> Iterator[bytes]:
        """Lines of a text in parts; after None comes another text, and the end of the one before is lost."""
        held = b""
        for chunk in chunks:
            if chunk is None:
                held = b""
                continue
            *lines, held = (held + chunk).split(b"\n")
            yield from lines
            if len(held) > MAX_LINE:
                held = b""
                self.unreadable += 1
        if held and not growing:
            yield held

    def _gunzipped(self, chunks: Iterable[bytes], *, growing: bool) -> Iterator[bytes | None]:
        """Text of gzip members in parts, with a line's end after each; None where one breaks off.

        A broken member costs what follows its fault, up to the next member.
        """
        member, lost, held = None, False, b""
        for chunk in chunks:
            data, held = held + chunk, b""
            while data:
                if member is None:
                    start = data.find(_MEMBER)
                    if start < 0 and _MEMBER.startswith(data):
                        held = data
                        break
                    self.unreadable += start != 0 and not lost
                    lost = lost or start != 0
                    if start < 0:
                        held = data[-2:]  # the next member may begin in it
                        break
                    data, member = data[start:], zlib.decompressobj(_GZIP)
                try:
                    yield member.decompress(data, _CHUNK)
                except zlib.error:
                    yield None
                    self.unreadable += not lost
                    data, member, lost = data[1:], None, True
                    continue
                if member.eof:
                    yield b"\n"
                    data, member, lost = member.unused_data, None, False
                else:
                    data = member.unconsumed_tail
        if member is not None or (held and not lost):
            yield None
            self.unreadable += not (lost or growing)
