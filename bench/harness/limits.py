"""How a figure of ours is judged, and what is to be reached. LuaJIT and plain Lua may have limits of their own."""


class Alone:
    """Only shown: there is nothing on the other side."""

    has_other = False
    bounded = False
    sign, unit, places = "", "", 2

    def __init__(self, jit=None, plain=None):
        self.jit, self.plain = jit, jit if plain is None else plain

    def limit(self, is_jit):
        return self.jit if is_jit else self.plain

    def value(self, ours, _other):
        return ours

    def met(self, value, is_jit):
        return value <= self.limit(is_jit)

    def target(self, is_jit):
        return ("%s%.*f %s" % (self.sign, self.places, self.limit(is_jit), self.unit)).rstrip() if self.bounded else ""

    def shown(self, value):
        return "%.*f" % (self.places, value)


class Below(Alone):
    """At most so much, whatever others take."""

    bounded = True
    sign, places = "≤ ", 0

    def __init__(self, unit, jit, plain=None):
        super().__init__(jit, plain)
        self.unit = unit


class Ratio(Alone):
    """Ours divided by theirs."""

    has_other = True

    def value(self, ours, other):
        return ours / other


class AtMost(Ratio):
    bounded = True
    sign = "≤ "


class AtLeast(Ratio):
    bounded = True
    sign = "≥ "

    def met(self, value, is_jit):
        return value >= self.limit(is_jit)


class Added(Below):
    """Ours minus theirs."""

    has_other = True
    sign = "≤ +"

    def value(self, ours, other):
        return ours - other

    def shown(self, value):
        return "%+.*f" % (1 if abs(value) < 10 else 0, value)
