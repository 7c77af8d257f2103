"""Writers of event files, from the formats' descriptions and with struct alone: nothing of the readers is used."""

import struct

import h5py
import numpy as np


def write_nmnist(path, t, x, y, p):
    body = b""
    for time, column, row, kind in zip(t, x, y, p, strict=True):
        body += bytes([column, row, kind << 7 | time >> 16 & 127, time >> 8 & 255, time & 255])
    path.write_bytes(body)


def write_aedat2(path, t, x, y, p, camera="DVS128"):
    text = b"#!AER-DAT2.0\r\n# This is a raw AE data file\r\n"
    if camera:
        text += f"# AEChip: eu.seebetter.ini.chips.{camera}\r\n".encode()
    body = b""
    for time, column, row, kind in zip(t, x, y, p, strict=True):
        davis = row << 22 | column << 12 | kind << 11
        body += struct.pack(">Ii", davis if camera.startswith("Davis") else row << 8 | column << 1 | kind, time)
    path.write_bytes(text + body)


def write_aedat3(path, t, x, y, p, packet=7, overflow=0):
    data = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"
    rows = list(zip(t, x, y, p, strict=True))
    # A packet of another kind (IMU, 36 bytes per event) comes first.
    data += struct.pack("<hhiiiiii", 5, 1, 36, 4, overflow, 1, 1, 1) + bytes(36)
    for first in range(0, len(rows), packet):
        part = rows[first : first + packet]
        data += struct.pack("<hhiiiiii", 1, 1, 8, 4, overflow, len(part) + 1, len(part) + 1, len(part))
        for time, column, row, kind in part:
            data += struct.pack("<Ii", column << 17 | row << 2 | kind << 1 | 1, time)
        data += struct.pack("<Ii", 3 << 17, 0)  # an invalid event
    path.write_bytes(data)


def write_aedat4(path, t, x, y, p, packet=7, pack=lambda data: data, compression=0, size=(30, 40)):
    info = f'<dv><attr key="typeIdentifier" type="string">EVTS</attr><attr key="sizeX" type="int">{size[1]}</attr>'
    info = (info + f'<attr key="sizeY" type="int">{size[0]}</attr></dv>').encode()
    # vtable (10 bytes, padded to 12) at 8; table at 20: back, compression, offset of the text, data table (8 bytes).
    table = struct.pack("<HHHHH", 10, 24, 4, 16, 8) + bytes(2)
    table += struct.pack("<iiI", 12, compression, 16) + bytes(4) + struct.pack("<q", -1)
    header = struct.pack("<I", 20) + b"IOHE" + table + struct.pack("<I", len(info)) + info
    data = b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(header)) + header
    rows = list(zip(t, x, y, p, strict=True))
    for first in range(0, len(rows), packet):
        part = rows[first : first + packet]
        events = b"".join(struct.pack("<qhhB3x", *row) for row in part)
        # vtable at 8, table at 16 with one field: the vector that begins 4 bytes behind it.
        body = struct.pack("<I", 16) + b"EVTS" + struct.pack("<HHHxx", 6, 8, 4) + struct.pack("<iI", 8, 4)
        body += struct.pack("<I", len(part)) + events
        packed = pack(struct.pack("<I", len(body)) + body)
        data += struct.pack("<ii", 0, len(packed)) + packed
        other = pack(struct.pack("<I", 8) + struct.pack("<I", 8) + b"TRIG")
        data += struct.pack("<ii", 1, len(other)) + other
    path.write_bytes(data)


def write_hdf5_table(path, t, x, y, p, group="events", structured=False):
    with h5py.File(path, "w") as file:
        place = file.create_group(group) if group else file
        if structured:
            rows = np.empty(len(t), dtype=[("t", "i8"), ("x", "u2"), ("y", "u2"), ("p", "?")])
            for name, values in zip("txyp", (t, x, y, p), strict=True):
                rows[name] = values
            place["all"] = rows
        else:
            for name, values in zip(("ts", "x", "y", "pol"), (t, x, y, p), strict=True):
                place[name] = np.asarray(values, np.int64)


def write_shd(path, samples, labels):
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes")
        times = group.create_dataset("times", (len(samples),), dtype=h5py.vlen_dtype(np.float16))
        units = group.create_dataset("units", (len(samples),), dtype=h5py.vlen_dtype(np.uint16))
        for at, (time, unit) in enumerate(samples):
            times[at], units[at] = np.asarray(time, np.float16), np.asarray(unit, np.uint16)
        file["labels"] = np.asarray(labels, np.uint16)
