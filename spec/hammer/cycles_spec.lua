-- The create/close cycles, long: 20,000 clients. Growth is held to the short run's bound: it must not depend on the
-- number.
local h = require "spec.helper"
local cycles = require "spec.lifetime.cycles_run"

describe("20,000 clients made and closed", function()
    it("leave nothing behind from the 200th on", function()
        local story = cycles(20000, 200, 1800)
        io.write(("\n%s: 20,000 cycles, %s KiB growth, threads %s -> %s, descriptors %s -> %s, %.0f s\n"):format(
            h.version, story.growth_kib, story.threads[1], story.threads[2], story.descriptors[1], story.descriptors[2],
            story.run.seconds))
        assert.are.equal(0, story.run.status, story.run.err)
        assert.are.equal(story.threads[1], story.threads[2])
        assert.are.equal(story.descriptors[1], story.descriptors[2])
        assert.is_true(story.growth_kib <= 1024, story.growth_kib .. " KiB")
        assert.are.equal(5000, story.delivered)
    end)
end)
