"""The protocol's payloads, read a second time: an encoder and a decoder that share nothing with the
C++ ones but the page that both were written from. Everything is big endian; a frame is a type byte,
a uint16 length and the payload.
"""

import struct

NUMBERS = {"u8": ">B", "u16": ">H", "u32": ">I", "u64": ">Q"}

MESSAGE_FIELDS = (("source", "string"), ("target", "string"), ("timestamp", "u64"),
                  ("message_content", "string"))

# type: (name, fields). Handshake is the one payload that may grow; see decode_payload.
PAYLOADS = {
    0x01: ("Success", ()),
    0x02: ("Error", (("code", "u8"),)),
    0x03: ("Handshake", (("ver_major", "u8"), ("ver_minor", "u8"))),
    0x04: ("UserAuth", (("username", "string"), ("password", "string"))),
    0x05: ("Message", MESSAGE_FIELDS),
    0x06: ("ServerAuth", (("name", "string"),)),
    0x40: ("Ping", (("token", "u32"),)),
    0x41: ("Pong", (("token", "u32"),)),
    0x42: ("Accepted", (("up_to", "u64"),)),
    0x43: ("Rejected", (("number", "u64"), ("code", "u8"))),
    0x44: ("Bounce", (("target", "string"), ("timestamp", "u64"), ("code", "u8"))),
    0x45: ("Result", (("tag", "u16"), ("code", "u8"))),
    0x46: ("Join", (("tag", "u16"), ("user", "string"), ("channel", "string"))),
    0x47: ("Leave", (("tag", "u16"), ("user", "string"), ("channel", "string"))),
    0x48: ("ContactAdd", (("tag", "u16"), ("address", "string"))),
    0x49: ("ContactRemove", (("tag", "u16"), ("address", "string"))),
    0x4A: ("List", (("tag", "u16"), ("kind", "u8"), ("of", "string"))),
    0x4B: ("ListItem", (("tag", "u16"), ("address", "string"), ("flags", "u8"))),
    0x4C: ("HistoryRequest", (("tag", "u16"), ("address", "string"), ("after", "u64"),
                              ("limit", "u16"))),
    0x4D: ("HistoryItem", (("tag", "u16"), ("position", "u64")) + MESSAGE_FIELDS),
    0x4E: ("LinkResume", (("stream", "u64"), ("next", "u64"))),
    0xFF: ("Test", (("num1", "u8"), ("time1", "u64"), ("str1", "string"), ("num2", "u16"),
                    ("bin1", "binary"), ("num3", "u32"), ("str2", "string"), ("num4", "u64"))),
}
TYPE_OF = {name: number for number, (name, _) in PAYLOADS.items()}

PING, RECEIPTS, REQUESTS, HISTORY, RESUME = 1, 2, 4, 8, 16

AUTH_FAILED, NOT_FOUND, SERVER_AUTH_FAILED = 0x01, 0x02, 0x03
MALFORMED, NOT_ALLOWED, OVER_LIMIT, UNAVAILABLE, SHUTTING_DOWN, TOO_SLOW = range(0x40, 0x46)

CONTENT_BYTES_MAX = 61440


class Malformed(Exception):
    pass


class Frame(dict):
    """A decoded frame: its fields by name, and `.name`, the payload's name."""

    def __init__(self, name, fields):
        super().__init__(fields)
        self.name = name

    def __repr__(self):
        short = {field: value if len(repr(value)) < 200 else f"{repr(value)[:100]}…"
                 for field, value in self.items()}
        return f"{self.name}{short}"


def raw(number, payload=b""):
    """A frame of any type with any payload."""
    return struct.pack(">BH", number, len(payload)) + payload


def encode(name, /, **fields):
    number = TYPE_OF[name]
    payload = b""
    for field, kind in PAYLOADS[number][1]:
        value = fields.pop(field)
        if kind in NUMBERS:
            payload += struct.pack(NUMBERS[kind], value)
        else:
            data = value.encode() if isinstance(value, str) else value
            payload += struct.pack(">H", len(data)) + data
    if name == "Handshake" and "features" in fields:
        payload += struct.pack(">I", fields.pop("features"))
    assert not fields, f"{name} has no {fields}"
    return raw(number, payload)


def message(target, content, source="", timestamp=0):
    return encode("Message", source=source, target=target, timestamp=timestamp,
                  message_content=content)


def decode_payload(number, payload):
    if number not in PAYLOADS:
        raise Malformed(f"unknown type {number:#x}")
    name, layout = PAYLOADS[number]
    fields = {}
    at = 0

    def take(size):
        nonlocal at
        if at + size > len(payload):
            raise Malformed(f"{name}: cut off")
        at += size
        return payload[at - size:at]

    for field, kind in layout:
        if kind in NUMBERS:
            pattern = NUMBERS[kind]
            fields[field] = struct.unpack(pattern, take(struct.calcsize(pattern)))[0]
            continue
        data = take(struct.unpack(">H", take(2))[0])
        try:
            fields[field] = data if kind == "binary" else data.decode("utf-8", "strict")
        except UnicodeDecodeError as error:
            raise Malformed(f"{name}: {field} is not UTF-8") from error
    if name == "Handshake":
        if at < len(payload):
            fields["features"] = struct.unpack(">I", take(4))[0]
        at = len(payload)
    if at != len(payload):
        raise Malformed(f"{name}: {len(payload) - at} bytes left over")
    return Frame(name, fields)


def take_frame(buffer):
    """(frame, bytes used), or (None, 0) while `buffer` does not hold a whole frame."""
    if len(buffer) < 3:
        return None, 0
    number, size = struct.unpack_from(">BH", buffer)
    if len(buffer) < 3 + size:
        return None, 0
    return decode_payload(number, bytes(buffer[3:3 + size])), 3 + size
