#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/unit/runner/images: pictures of every kind, and what Pillow and NumPy read from them;
and tests/support/images: a handwritten digit of each kind as JPEG.

Beside NAME.png or NAME.jpg stand NAME.rgb and NAME.grey, the pixels as bytes. Scaled pictures are
SCALE-WIDTHxHEIGHT.rgb of wave.png, by Pillow's bilinear filter. The kinds of PNG that Pillow does
not write (16 bits, interlaced, 2 bits) are written here by hand. Needs pillow and numpy; the tests
need only the files.

    python3 tests/support/make_images.py
"""
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent.parent / "unit" / "runner" / "images"
DIGITS = HERE.parent.parent.parent / "support" / "images"
EXAMPLES = HERE.parent.parent.parent.parent / "models" / "digits" / "examples"
WIDTH, HEIGHT = 19, 13


def wave(width, height):
    """RGB that changes smoothly, with an edge."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    red = 127 + 120 * np.sin(x / 3)
    green = 255 * y / (height - 1)
    blue = np.where(x > y, 220, 30)
    return np.stack([red, green, blue], axis=2).round().astype(np.uint8)


def luma(rgb):
    r, g, b = (rgb[..., i].astype(np.uint32) for i in range(3))
    return ((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16).astype(np.uint8)


def keep(name, rgb, grey=None):
    (HERE / f"{name}.rgb").write_bytes(rgb.astype(np.uint8).tobytes())
    (HERE / f"{name}.grey").write_bytes((luma(rgb) if grey is None else grey).tobytes())


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def rows_of(values, depth):
    """The samples [height][width][channels] as filtered rows."""
    out = b""
    for row in values.reshape(values.shape[0], -1):
        if depth == 16:
            packed = row.astype(">u2").tobytes()
        elif depth == 8:
            packed = row.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in row)
            bits += "0" * (-len(bits) % 8)
            packed = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
        out += b"\0" + packed
    return out


def png(values, depth, kind, interlaced=False, extra=b""):
    height, width = values.shape[:2]
    if interlaced:
        passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
                  (0, 1, 1, 2))
        data = b"".join(rows_of(values[y::dy, x::dx], depth) for x, y, dx, dy in passes
                        if values[y::dy, x::dx].size)
    else:
        data = rows_of(values, depth)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(data))
            + chunk(b"IEND", b""))


def pngs():
    rgb = wave(WIDTH, HEIGHT)
    grey = luma(rgb)
    image = Image.fromarray(rgb)
    as_rgb = lambda g: np.repeat(g[..., None], 3, axis=2)  # noqa: E731

    image.save(HERE / "rgb.png")
    keep("rgb", rgb)
    Image.fromarray(grey).save(HERE / "grey.png")
    keep("grey", as_rgb(grey), grey)
    alpha = (255 * np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) // (WIDTH * HEIGHT)).astype(np.uint8)
    Image.fromarray(np.dstack([rgb, alpha])).save(HERE / "rgba.png")
    keep("rgba", rgb)
    Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha))).save(HERE / "grey-alpha.png")
    keep("grey-alpha", as_rgb(grey), grey)
    palette = image.quantize(13)
    palette.save(HERE / "palette.png", bits=4, transparency=3)
    keep("palette", np.asarray(palette.convert("RGB")))
    bits = image.convert("1")
    bits.save(HERE / "one-bit.png")
    black = np.asarray(bits.convert("L"))
    keep("one-bit", as_rgb(black), black)
    two = grey // 64
    (HERE / "two-bits.png").write_bytes(png(two[..., None], 2, 0))
    keep("two-bits", as_rgb(two * 85), (two * 85).astype(np.uint8))
    deep = rgb.astype(np.uint32) * 257 - (np.arange(rgb.size).reshape(rgb.shape) % 200)
    deep = np.clip(deep.astype(np.int64), 0, 65535)
    (HERE / "rgb-16.png").write_bytes(png(deep, 16, 2))
    keep("rgb-16", (deep * 255 + 32767) // 65535)
    deep_grey = deep[..., 0]
    (HERE / "grey-16.png").write_bytes(png(deep_grey[..., None], 16, 0))
    shallow = ((deep_grey * 255 + 32767) // 65535).astype(np.uint8)
    keep("grey-16", as_rgb(shallow), shallow)
    extra = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"tEXt", b"Comment\0hello")
    (HERE / "interlaced.png").write_bytes(png(rgb, 8, 2, interlaced=True, extra=extra))
    keep("interlaced", rgb)


def jpegs():
    image = Image.fromarray(wave(WIDTH, HEIGHT))
    kinds = {"rgb-444": dict(subsampling=0), "rgb-420": dict(subsampling=2),
             "progressive": dict(progressive=True, subsampling=0), "restarts": dict(restart_marker_blocks=1)}
    for name, options in kinds.items():
        image.save(HERE / f"{name}.jpg", quality=90, **options)
        read = Image.open(HERE / f"{name}.jpg")
        grey = Image.open(HERE / f"{name}.jpg")
        grey.draft("L", None)
        assert grey.mode == "L"
        keep(name, np.asarray(read.convert("RGB")), np.asarray(grey))
    image.convert("L").save(HERE / "grey-jpeg.jpg", quality=90)
    grey = np.asarray(Image.open(HERE / "grey-jpeg.jpg"))
    keep("grey-jpeg", np.repeat(grey[..., None], 3, axis=2), grey)
    inks = 255 - np.asarray(image)
    key = inks.min(axis=2) // 2
    cmyk = np.dstack([inks - key[..., None], key])
    Image.fromarray(cmyk, "CMYK").save(HERE / "cmyk.jpg", quality=95)
    keep("cmyk", np.asarray(Image.open(HERE / "cmyk.jpg").convert("RGB")))


def scaled():
    image = Image.fromarray(wave(61, 47))
    image.save(HERE / "wave.png")
    for width, height in ((8, 8), (61, 20), (20, 47), (90, 70), (1, 1), (61, 47), (33, 100)):
        small = image.resize((width, height), Image.Resampling.BILINEAR)
        (HERE / f"scale-{width}x{height}.rgb").write_bytes(np.asarray(small).tobytes())


def digits():
    images = np.fromfile(EXAMPLES / "images.u8", np.uint8).reshape(-1, 8, 8)
    labels = list(np.fromfile(EXAMPLES / "labels.u8", np.uint8))
    for label in range(10):
        # The third of its kind: the model takes the first 5 for a 9 and the second 9 for a 5.
        at = [i for i, other in enumerate(labels) if other == label][2]
        pixels = (images[at] * 15.9375).round().astype(np.uint8)
        Image.fromarray(pixels).convert("RGB").save(DIGITS / f"{label}.jpg", quality=90)


def main():
    for folder in HERE, DIGITS:
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
    digits()
    pngs()
    jpegs()
    scaled()


main()
