std = "max"
cache = false
max_line_length = 160
exclude_files = { "build", "target" }

files["spec"] = { std = "max+busted" }

-- Stubs only declare: parameters are there to be documented.
files["types"] = { ignore = { "211", "212", "241" } }
