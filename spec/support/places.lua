-- Producers that note where their messages went.
local h = require "spec.helper"
local places = {}

function places.producer(brokers, conf)
    conf["bootstrap.servers"] = brokers
    return h.track(h.kafka.producer(conf))
end

--- A producer, and the partition (or the error's name) of each of its messages, by value.
function places.noting(brokers, conf)
    local went = {}
    function conf.on_delivery(err, report) went[report.value] = err and err.name or report.partition end
    return places.producer(brokers, conf), went
end

return places
