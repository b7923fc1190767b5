-- The fork storm, long: 2,000 forks while another thread makes and drops clients.
if not pcall(require, "posix.unistd") then return end

local h = require "spec.helper"
local storm = require "spec.lifetime.fork_run"

local ROUNDS = 2000

describe("Forking, many times", function()
    it(("leaves parent and children whole in %d rounds"):format(ROUNDS), function()
        local story = storm(ROUNDS, 900)
        io.write(("\n%s: %s forks, %s clients in children, %s made and dropped by the other thread, "):format(
            h.version, story.forks, story.own_clients, story.made))
        io.write(("%s messages of the parent received, %d faults, %.0f s\n"):format(
            story.received, #story.faults, story.run.seconds))
        assert.are.equal(0, story.run.status, story.run.err)
        assert.are.equal(0, #story.faults, table.concat(story.faults, "\n") .. "\n" .. story.run.err)
        assert.are.equal(ROUNDS, story.forks)
        assert.are.equal(story.sent, story.received)
        assert.are.same({ messages = story.sent, distinct = story.sent }, story.count.parent)
        assert.are.same({ messages = story.own_clients, distinct = story.own_clients }, story.count.child)
    end)
end)
