"""Ways in which tables of labels go wrong, each with the problem it must give. A sample is made worse by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Lines = list[str]
Worse = Callable[[Lines], "Lines | bytes"]


@dataclass(frozen=True)
class Sample:
    """A good table; ``image`` is the index of the column that names the image."""

    lines: tuple[str, ...]
    image: int = 0

    def good(self) -> bytes:
        return "\n".join(self.lines).encode() + b"\n"


SAMPLES: Mapping[str, Sample] = {
    "table": Sample(
        (
            "file,finding,state,reader,shape,x,y,width,height,outline",
            "one.png,Mass,present,R1,box,1,2,10,12,",
            "two.png,Nodule,absent,R1,,,,,,",
            'two.png,Cardiomegaly,present,R1,polygon,,,,,"{""rings"":[[[1,1],[9,1],[5,8]]]}"',
        )
    ),
    "chexpert": Sample(("Path,Sex,Atelectasis,Cardiomegaly", "one.png,F,1.0,", "two.png,M,0.0,-1.0")),
    "nih": Sample(("Image Index,Finding Labels,Patient Age", "one.png,Mass|Nodule,50", "two.png,No Finding,41")),
    "nih-boxes": Sample(("Image Index,Finding Label,x,y,w,h", "one.png,Mass,1,2,10,12", "two.png,Nodule,3,4,5,6")),
    "vindr-boxes": Sample(
        (
            "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max",
            "one,Mass,8,R1,1,2,11,14",
            "two,No finding,14,R1,,,,",
        )
    ),
    "vindr-images": Sample(("image_id,rad_id,Mass,Nodule", "one,R1,1,0", "two,R1,0,0")),
    "padchest": Sample(
        (
            "ImageID,Labels,LabelsLocalizationsBySentence,MethodLabel",
            """one.png,"['mass', 'loc right']","[['mass', 'loc right']]",Physician""",
            """two.png,['normal'],[['normal']],RNN_model""",
        )
    ),
    "siim": Sample(("ImageId,EncodedPixels", "one,5 10 30 4", "two,-1")),
    "rsna": Sample(("patientId,x,y,width,height,Target", "one,1,2,10,12,1", "two,,,,,0")),
}


def _cell(line: int, column: int, text: str) -> Worse:
    """Another text in one cell (of a line without quotes before it)."""

    def change(lines: Lines) -> Lines:
        cells = lines[line].split(",")
        cells[column] = text
        lines[line] = ",".join(cells)
        return lines

    return change


def _line(line: int, text: str) -> Worse:
    def change(lines: Lines) -> Lines:
        lines[line] = text
        return lines

    return change


def _more(text: str) -> Worse:
    return lambda lines: [*lines, text]


def _whole(change: Callable[[bytes], bytes]) -> Worse:
    return lambda lines: change(("\n".join(lines) + "\n").encode())


#: What any table may suffer. The row is that of the line changed.
def common(image: int) -> dict[str, tuple[Worse, str]]:
    return {
        "empty": (lambda lines: b"", "EMPTY_FILE"),
        "blank": (lambda lines: b"\n \n\t\n", "EMPTY_FILE"),
        "only a byte order mark": (lambda lines: b"\xef\xbb\xbf", "EMPTY_FILE"),
        "a picture instead": (lambda lines: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "NOT_TEXT|NOT_UTF8"),
        "image column renamed": (lambda lines: [lines[0].replace(lines[0].split(",")[image], "who"), *lines[1:]], "COLUMN_MISSING"),
        "separated by colons": (lambda lines: [line.replace(",", ":") for line in lines], "COLUMN_MISSING"),
        "no header": (lambda lines: lines[1:], "COLUMN_MISSING|COLUMN_TWICE"),
        "header twice": (lambda lines: [*lines[:2], lines[0], *lines[2:]], "HEADER_REPEATED"),
        "column twice": (lambda lines: [f"{lines[0]},{lines[0].split(',')[0]}", *(f"{x},x" for x in lines[1:])], "COLUMN_TWICE"),
        "cut off in a row": (lambda lines: [*lines, "three.png"], "ROW_SHORT"),
        "cells too many": (lambda lines: [*lines[:-1], lines[-1] + ",7,8"], "ROW_LONG"),
        "quote not closed": (lambda lines: [lines[0], '"' + lines[1], *lines[2:]], "NOT_CSV|ROW_SHORT"),
        "text after a quote": (_cell(1, image, '"one"x'), "NOT_CSV"),
        "binary in a row": (_cell(1, image, "o\0ne"), "NOT_TEXT"),
        "latin letters": (_whole(lambda data: data + b"\xfc.png\n"), "NOT_UTF8"),
        "UTF-16 cut off": (_whole(lambda data: data.decode().encode("utf-16")[:-1]), "NOT_UTF8"),
        "no image": (_cell(1, image, " "), "IMAGE_MISSING"),
        "id as 1e+05": (_cell(1, image, "1e+05"), "ID_ROUNDED"),
        "id rounded": (_cell(1, image, "123456789012345000000"), "ID_ROUNDED"),
        "endless name": (_cell(1, image, "n" * 2_000), "IMAGE_TOO_LONG"),
        "endless cell": (_cell(1, image, "n" * 70_000), "CELL_TOO_LONG"),
        "image that is not here": (_cell(1, image, "nine"), "IMAGE_UNMATCHED"),
        "row twice": (lambda lines: [*lines, lines[1]], "REPEATED"),
    }  # fmt: skip


def _numbers(line: int, first: int) -> dict[str, tuple[Worse, str]]:
    """What numbers may suffer: ``first`` is the column of x."""
    return {
        "decimal comma": (_cell(line, first, '"1,5"'), "DECIMAL_COMMA"),
        "not a number": (_cell(line, first, "NaN"), "NUMBER_NOT_FINITE"),
        "infinite": (_cell(line, first, "-inf"), "NUMBER_NOT_FINITE"),
        "beyond floats": (_cell(line, first, "1e999"), "NUMBER_TOO_LARGE"),
        "beyond any image": (_cell(line, first, "1e12"), "NUMBER_TOO_LARGE"),
        "words": (_cell(line, first, "ten"), "NUMBER_MALFORMED"),
        "digits of another script": (_cell(line, first, "١"), "NUMBER_MALFORMED"),
        "a side missing": (_cell(line, first + 2, ""), "BOX_INCOMPLETE"),
        "outside the image": (
            _cell(line, first, "5000") if first != 4 else _line(1, "one,Mass,8,R1,5000,2,5010,14"),
            "BOX_OUTSIDE",
        ),
    }


def _sides(line: int, width: int) -> dict[str, tuple[Worse, str]]:
    return {
        "negative width": (_cell(line, width, "-10"), "BOX_NEGATIVE"),
        "no width": (_cell(line, width, "0"), "BOX_EMPTY"),
        "half outside": (_cell(line, width, "300"), "BOX_PARTLY_OUTSIDE"),
    }


OWN_WAYS: Mapping[str, Mapping[str, tuple[Worse, str]]] = {
    "table": {
        **_numbers(1, 5),
        **_sides(1, 7),
        "finding unknown": (_cell(1, 1, "Masss!"), "FINDING_UNKNOWN"),
        "finding missing": (_cell(1, 1, ""), "FINDING_EMPTY"),
        "state unknown": (_cell(1, 2, "maybe so"), "STATE_UNKNOWN"),
        "states differ": (_more("two.png,Nodule,present,R1,,,,,,"), "CONTRADICTION"),
        "shape unknown": (_cell(1, 4, "star"), "OUTLINE_MALFORMED"),
        "outline no JSON": (_line(3, "two.png,Cardiomegaly,present,R1,polygon,,,,,{rings"), "OUTLINE_MALFORMED"),
        "outline nested": (_line(3, f"two.png,Mass,present,R1,polygon,,,,,{'[' * 30_000}"), "OUTLINE_MALFORMED"),
        "outline of two points": (
            _line(3, 'two.png,Mass,present,R1,polygon,,,,,"{""rings"":[[[1,1],[2,2]]]}"'),
            "OUTLINE_MALFORMED",
        ),
        "runs past the image": (
            _line(3, 'two.png,Mass,present,R1,mask,,,,,"{""size"":[2,2],""counts"":""9""}"'),
            "RLE_PAST_IMAGE",
        ),
        "mask of another size": (
            _line(3, 'two.png,Mass,present,R1,mask,,,,,"{""size"":[2,2],""counts"":""04""}"'),
            "MASK_SIZE",
        ),
    },
    "chexpert": {
        "state unknown": (_cell(1, 2, "2.0"), "STATE_UNKNOWN"),
        "state with a comma": (_cell(1, 2, '"1,0"'), "STATE_UNKNOWN"),
        "finding renamed": (lambda lines: [lines[0].replace("Atelectasis", "Wonder"), *lines[1:]], "FINDING_UNKNOWN"),
        "no finding at all": (lambda lines: ["Path,Sex", "one.png,F"], "COLUMN_MISSING"),
        "column of texts": (lambda lines: [f"{line},x{at}" for at, line in enumerate(lines)], "COLUMN_NOT_READ"),
        "states differ": (_more("one.png,F,0.0,"), "CONTRADICTION"),
        "state as NaN": (_cell(1, 2, "NaN"), "STATE_UNKNOWN"),
    },
    "nih": {
        "commas for bars": (_cell(1, 1, '"Mass, Nodule"'), "LIST_SEPARATOR"),
        "semicolons for bars": (_cell(1, 1, "Mass;Nodule"), "LIST_SEPARATOR"),
        "two bars": (_cell(1, 1, "Mass||Nodule"), "FINDING_EMPTY"),
        "no findings": (_cell(1, 1, ""), "FINDINGS_EMPTY"),
        "finding unknown": (_cell(1, 1, "Masss!"), "FINDING_UNKNOWN"),
        "a report instead": (_cell(1, 1, "long " * 100), "NAME_TOO_LONG"),
        "state column": (
            lambda lines: [
                "Image Index,Finding Labels,Pneumothorax",
                "one.png,Mass,YES",
                "two.png,Mass,NO",
                "one.png,Nodule,oh",
            ],
            "STATE_UNKNOWN",
        ),
    },
    "nih-boxes": {
        **_numbers(1, 2),
        **_sides(1, 4),
        "finding unknown": (_cell(1, 1, "Masss!"), "FINDING_UNKNOWN"),
        "finding missing": (_cell(1, 1, ""), "FINDING_EMPTY"),
    },
    "vindr-boxes": {
        **_numbers(1, 4),
        "beyond any image": (_line(1, "one,Mass,8,R1,1,2,1e12,14"), "NUMBER_TOO_LARGE"),
        "corners swapped": (_line(1, "one,Mass,8,R1,11,2,1,14"), "CORNERS_SWAPPED"),
        "corners on a line": (_line(1, "one,Mass,8,R1,11,2,11,14"), "BOX_EMPTY"),
        "one number, two classes": (_more("one,Nodule,8,R1,1,2,11,14"), "CLASS_CONTRADICTION"),
        "finding unknown": (_cell(1, 1, "Masss!"), "FINDING_UNKNOWN"),
        "finding missing": (_cell(1, 1, ""), "FINDING_EMPTY"),
    },
    "vindr-images": {
        "state unknown": (_cell(1, 2, "5"), "STATE_UNKNOWN"),
        "state NaN": (_cell(1, 2, "nan"), "STATE_UNKNOWN"),
        "no finding at all": (lambda lines: ["image_id,rad_id,what", "one,R1,1"], "COLUMN_MISSING"),
        "states differ": (_more("one,R1,0,0"), "CONTRADICTION"),
    },
    "padchest": {
        "no list": (_line(1, "one.png,mass,,Physician"), "LIST_MALFORMED"),
        "list not closed": (_line(1, "one.png,\"['mass', 'loc right'\",,Physician"), "LIST_CUT_SHORT"),
        "text not closed": (_line(1, "one.png,['mass],,Physician"), "LIST_MALFORMED"),
        "no quotes": (_line(1, "one.png,[mass],,Physician"), "LIST_MALFORMED"),
        "a program": (_line(1, "one.png,__import__('os'),,Physician"), "LIST_MALFORMED"),
        "a program in a list": (_line(1, "one.png,\"[print('x')]\",,Physician"), "LIST_MALFORMED"),
        "nested deep": (_line(1, f"one.png,{'[' * 5_000},,Physician"), "LIST_MALFORMED"),
        "list too long": (_line(1, 'one.png,"[' + "'a'," * 900 + "'a']\",,Physician"), "LIST_TOO_LONG"),
        "empty": (_line(1, "one.png,,,Physician"), "FINDINGS_EMPTY"),
        "excluded": (_line(1, "one.png,\"['mass', 'exclude']\",,Physician"), "EXCLUDED"),
        "finding unknown": (_line(1, "one.png,['wonder'],,Physician"), "FINDING_UNKNOWN"),
        "sentences broken": (_line(1, "one.png,['mass'],[[,Physician"), "LIST_CUT_SHORT|LIST_MALFORMED"),
    },
    "siim": {
        "past the image": (_cell(1, 1, "5 999999999"), "RLE_PAST_IMAGE"),
        "from the first pixel": (_cell(1, 1, "1000000 10 1000100 10"), "RLE_PAST_IMAGE"),
        "odd": (_cell(1, 1, "5 10 30"), "RLE_ODD"),
        "negative": (_cell(1, 1, "5 -10"), "RLE_NEGATIVE"),
        "words": (_cell(1, 1, "five ten"), "RLE_MALFORMED"),
        "fractions": (_cell(1, 1, "5.5 10"), "RLE_MALFORMED"),
        "endless number": (_cell(1, 1, "5 " + "9" * 5_000), "RLE_MALFORMED"),
        "empty": (_cell(1, 1, ""), "RLE_EMPTY"),
        "mask and none": (_more("one,-1"), "CONTRADICTION"),
        "nothing marked": (_cell(1, 1, "0 0"), "SHAPE_EMPTY"),
    },
    "rsna": {
        **_numbers(1, 1),
        **_sides(1, 3),
        "target unknown": (_cell(1, 5, "7"), "STATE_UNKNOWN"),
        "box and no target": (_cell(1, 5, "0"), "CONTRADICTION"),
        "target and no box": (_cell(2, 5, "1"), "BOX_INCOMPLETE"),
    },
}


def ways(format: str) -> dict[str, tuple[Worse, str]]:
    """Every way for one format; what it has no place for is left out."""
    sample = SAMPLES[format]
    return {**common(sample.image), **OWN_WAYS[format]}


def worse(format: str, way: str) -> bytes:
    """The sample made worse."""
    result = ways(format)[way][0](list(SAMPLES[format].lines))
    return result if isinstance(result, bytes) else ("\n".join(result) + "\n").encode()
