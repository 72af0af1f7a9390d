-- A log of attempts in grains, as the in-process limiter keeps it: a hash of (end of the grain in microseconds) to
-- (number of attempts in it). An attempt counts for a window from the end of its grain.
-- The time is that of this server, so that all nodes have the same.
-- KEYS: the log. ARGV: limit, window and grain in microseconds.
-- Answers: allowed, remaining, microseconds until one is allowed, microseconds until all are.
local limit, window, grain = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local used, first, last = 0, nil, nil
local log = redis.call('HGETALL', KEYS[1])
for i = 1, #log, 2 do
  local ends, count = tonumber(log[i]), tonumber(log[i + 1])
  -- Those beyond the next grain were noted before the server's clock was set back.
  if ends + window <= now or ends > now + window + grain then
    redis.call('HDEL', KEYS[1], log[i])
  else
    used = used + count
    if not first or ends < first then first = ends end
    if not last or ends > last then last = ends end
  end
end
if used >= limit then
  return {0, 0, first + window - now, last + window - now}
end
local ends = (math.floor(now / grain) + 1) * grain
redis.call('HINCRBY', KEYS[1], string.format('%.0f', ends), 1)
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((window + grain) / 1000) + 1))
if not last or ends > last then last = ends end
return {1, limit - used - 1, 0, last + window - now}
