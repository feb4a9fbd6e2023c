"""The properties once more, character by character, in plain Python."""

from collections.abc import Callable


def double_quotes(text: str) -> list[float]:
    is_inside, values = False, []
    for place, character in enumerate(text):
        before = text[place - 1] if place else "\n"
        if character == '"' and before != "\\":
            is_inside = not is_inside
        elif character == "\N{LEFT DOUBLE QUOTATION MARK}":
            is_inside = True
        elif character == "\N{RIGHT DOUBLE QUOTATION MARK}" or (character == before == "\n"):
            is_inside = False
        values.append(float(is_inside))
    return values


def single_quotes(text: str) -> list[float]:
    is_inside, values = False, []
    for place, character in enumerate(text):
        before = text[place - 1] if place else "\n"
        after = text[place + 1] if place + 1 < len(text) else "\n"
        if character == "\n":
            is_inside = False
        elif character == "\N{LEFT SINGLE QUOTATION MARK}":
            is_inside = True
        elif character == "\N{RIGHT SINGLE QUOTATION MARK}":
            is_inside = is_inside and after.isalnum()
        elif character == "'" and before != "\\":
            opens = not before.isalnum() and not after.isspace()
            closes = not before.isspace() and not after.isalnum()
            if opens and closes:
                is_inside = not is_inside
            elif opens or closes:
                is_inside = opens
        values.append(float(is_inside))
    return values


def depth(brackets: str, ends_at_empty_line: bool) -> Callable[[str], list[float]]:
    def follow(text: str) -> list[float]:
        count, values = 0, []
        for place, character in enumerate(text):
            if character == brackets[0]:
                count += 1
            elif character == brackets[1]:
                count = max(0, count - 1)
            elif ends_at_empty_line and character == "\n" and text[:place][-1:] in {"", "\n"}:
                count = 0
            values.append(float(count))
        return values

    return follow


parentheses, square = depth("()", True), depth("[]", True)
braces = depth("{}", False)


def inside(follow: Callable[[str], list[float]]) -> Callable[[str], list[float]]:
    return lambda text: [float(value > 0) for value in follow(text)]


def bracket_depth(text: str) -> list[float]:
    together = zip(parentheses(text), square(text), braces(text), strict=True)
    return [sum(values) for values in together]


def comment(text: str) -> list[float]:
    values = []
    for place, character in enumerate(text):
        start = text.rfind("\n", 0, place + 1) + 1
        line = text[start : place + 1]
        is_inside = False
        for column in range(len(line)):
            before = line[column - 1] if column else "\n"
            if line[column] == "#" and before.isspace():
                is_inside = True
            if column and line[column - 1 : column + 1] == "//":
                is_inside = is_inside or column < 2 or line[column - 2] != ":"
        values.append(float(is_inside and character != "\n"))
    return values


def after_name(text: str) -> list[float]:
    is_inside, just_named, values = False, False, []
    line = ""
    for character in text:
        was_named, just_named = just_named, False
        if character == "\n":
            is_inside, line = is_inside and was_named, ""
        else:
            line += character
            if character == ":" and _is_name(line[:-1]):
                is_inside = just_named = True
        values.append(float(is_inside))
    return values


def _is_name(text: str) -> bool:
    is_fine = all(each.isalnum() or each in "_ .'\N{RIGHT SINGLE QUOTATION MARK}-" for each in text)
    return is_fine and 1 <= len(text) <= 30 and text[0].isalpha() and not text[0].islower()


def line_position(text: str) -> list[float]:
    return [float(min(1000, place - text.rfind("\n", 0, place + 1))) for place in range(len(text))]


def newline_distance(text: str) -> list[float]:
    ended = text + "\n"
    return [float(min(100, ended.index("\n", place) - place)) for place in range(len(text))]


def indentation(text: str) -> list[float]:
    values = []
    for place in range(len(text)):
        line = text[text.rfind("\n", 0, place + 1) + 1 : place + 1]
        values.append(float(min(1000, len(line) - len(line.lstrip(" \t")))))
    return values


def word_start(text: str) -> list[float]:
    return [
        float(each.isalnum() and not (place and text[place - 1].isalnum()))
        for place, each in enumerate(text)
    ]


NAIVE: dict[str, Callable[[str], list[float]]] = {
    "double-quotes": double_quotes,
    "single-quotes": single_quotes,
    "parentheses": inside(parentheses),
    "square-brackets": inside(square),
    "braces": inside(braces),
    "brackets": inside(bracket_depth),
    "bracket-depth": bracket_depth,
    "comment": comment,
    "after-name": after_name,
    "line-position": line_position,
    "newline-distance": newline_distance,
    "indentation": indentation,
    "word-start": word_start,
    "upper-case": lambda text: [float(each.isupper()) for each in text],
    "digit": lambda text: [float(each.isdigit()) for each in text],
}
