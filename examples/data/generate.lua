-- Writes the text that `make demo` sends: the logbook of a harbour that does not exist.
--   lua examples/data/generate.lua > examples/data/harbour.log
-- The same numbers on every interpreter: the file in the repository can be checked against this script.
local LINES = 4000

local seed = 20260101
local function below(n)                                  -- products stay under 2^53: exact in a double
    seed = (seed * 1103515 + 12345) % 2147483647
    return seed % n
end
local function pick(list) return list[below(#list) + 1] end

local ships = {
    "Alma", "Bjørn", "Čajka", "Dorothea", "Eider", "Freyja", "Grünau", "Halcyon", "Île d'Aix",
    "Jantar", "Kittiwake", "Lumen", "Merle", "Nordlys", "Óðinn", "Petrel", "Queen of the Sound", "Ragnhild", "Søstrene",
    "Tern",
}
local places = {
    "Nordholm", "Sankt Peder", "the Outer Skerries", "Vik", "the salt quay", "Longstone", "Åby", "the yard",
}
local cargo = {
    "timber", "oats", "machine parts", "herring on ice", "bricks", "mail", "empty crates", "slate", "coal",
}
local winds = { "north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west" }
local skies = { "clear", "haze", "fog over the bar", "rain", "snow in the air" }
local keepers = { "Ansel", "Birgit", "Colm", "Désirée", "Emre" }

local function arrival()
    return ("%s berths at pier %d from %s with %d t of %s"):format(
        pick(ships), below(9) + 1, pick(places), below(480) + 3, pick(cargo))
end
local function departure()
    return ("%s leaves pier %d for %s, %d aboard"):format(pick(ships), below(9) + 1, pick(places), below(260) + 4)
end
local function weather()
    return ("wind %s %d, glass at %d, %s"):format(pick(winds), below(9), 985 + below(50), pick(skies))
end
local function watch()
    return ("%s has the watch; lamp %s, %d vessels in sight"):format(
        pick(keepers), pick{ "lit", "out", "trimmed" }, below(17))
end
local function remark()
    return pick{
        "buoy 4 has drifted again",
        "a seal on the slipway, left alone",
        'the crane says "load too heavy" with nothing on the hook',
        "tide tables for the quarter received\tand pinned up",
        "paid: 3 coils of rope; owed: 1 coil of rope",
    }
end
local kinds = { arrival, arrival, arrival, departure, departure, departure, weather, weather, watch, remark }

local minute, out = 0, {}
for n = 1, LINES do
    minute = minute + below(9) + 1
    if below(60) == 0 then
        out[n] = ""                                          -- an empty line is a line too
    else
        local day, rest = math.floor(minute / 1440), minute % 1440
        out[n] = ("day %03d %02d:%02d  %s"):format(day + 1, math.floor(rest / 60), rest % 60, pick(kinds)())
    end
end
io.write(table.concat(out, "\n"), "\n")
