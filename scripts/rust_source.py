"""Just enough of Rust's lexical grammar to look for words in code without finding them in comments or strings."""
import re

_RAW = re.compile(r'(?:b|c|br|cr)?r(#*)"')
_STRING = re.compile(r'[bc]?"(?:[^"\\]|\\.)*"', re.S)
_CHARACTER = re.compile(r"b?'(?:[^'\\\n]|\\(?:x..|u\{[^}]*\}|.))'")
_WORD = re.compile(r"[A-Za-z_]\w*")
_TEST = re.compile(r"#\[cfg\((?:test|all\(test\b)[^\]]*\]|#\[test\]")


def _block_comment(text, at):
    depth = 0
    for found in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if found.group() == "/*" else -1
        if depth == 0:
            return found.end()
    return len(text)


def split(text):
    """→ (code, comments): the text twice, with what belongs to the other one (and literals) turned to spaces."""
    code, comments, at = [], [], 0

    def take(end, into_code=False, into_comments=False):
        nonlocal at
        piece, at = text[at:end], end
        blank = re.sub(r"[^\n]", " ", piece)
        code.append(piece if into_code else blank)
        comments.append(piece if into_comments else blank)

    while at < len(text):
        if text.startswith("//", at):
            end = text.find("\n", at)
            take(len(text) if end < 0 else end, into_comments=True)
        elif text.startswith("/*", at):
            take(_block_comment(text, at), into_comments=True)
        elif raw := _RAW.match(text, at):
            end = text.find('"' + raw.group(1), raw.end())
            take(len(text) if end < 0 else end + 1 + len(raw.group(1)))
        elif literal := _STRING.match(text, at) or _CHARACTER.match(text, at):
            take(literal.end())
        elif word := _WORD.match(text, at):
            take(word.end(), into_code=True)
        else:
            take(at + 1, into_code=True)
    return "".join(code), "".join(comments)


def _item_end(code, at):
    """Where the item that starts at `at` ends: at its `;`, or behind its braces."""
    depth = 0
    for found in re.compile(r"[{};]").finditer(code, at):
        mark = found.group()
        if mark == "{":
            depth += 1
        elif mark == "}":
            depth -= 1
        if depth <= 0:
            return found.end()
    return len(code)


def without_tests(code):
    """The code with every item under #[cfg(test)] or #[test] blanked."""
    at = 0
    while found := _TEST.search(code, at):
        end = _item_end(code, found.end())
        code = code[:found.start()] + re.sub(r"[^\n]", " ", code[found.start():end]) + code[end:]
        at = end
    return code


def test_modules(code):
    """Names of modules that exist only under test and live in files of their own."""
    return re.findall(r"#\[cfg\(test\)\]\s*(?:pub\S*\s+)?mod\s+(\w+)\s*;", code)


# An `unsafe` that is part of a type (`unsafe extern "C" fn(…)`) or of an attribute promises nothing by itself.
_PROMISE = re.compile(r"\bunsafe\b(?=\s*(?:\{|impl\b|trait\b|extern\s*\{|(?:extern\s*)?fn\s+\w))")


def unsafe_lines(code):
    """Line numbers (from 0) of the blocks, functions, impls and traits that are unsafe."""
    return sorted({code.count("\n", 0, found.start()) for found in _PROMISE.finditer(code)})


def unexplained_unsafe(text):
    """Line numbers (from 1) of unsafe code that has no SAFETY: on its line, in the three lines above or as the first
    line inside. A run of comment and attribute lines counts as one; unsafe on consecutive lines shares one."""
    code, comments = (part.split("\n") for part in split(text))
    told = [bool(re.search(r"SAFETY:|# Safety", line)) for line in comments]
    covered, missing = set(), []

    def explained(line):
        opens = code[line].rstrip().endswith("{")
        if told[line] or line - 1 in covered or opens and told[line + 1]:
            return True
        budget, above, run = 3, line - 1, False
        while above >= 0 and budget >= 0:
            if told[above]:
                return True
            quiet = not code[above].strip() and comments[above].strip() or code[above].strip().startswith("#[")
            if not (quiet and run):
                budget -= 1
                if budget < 0 and not quiet:
                    return False
            run, above = bool(quiet), above - 1
        return False

    for line in unsafe_lines("\n".join(code)):
        if explained(line):
            covered.add(line)
        else:
            missing.append(line + 1)
    return missing
