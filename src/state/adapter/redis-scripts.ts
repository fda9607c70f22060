/*
 * What Redis does at once. Of a text there is a hash: its text, its version, and the keys of its sets as JSON. A set is a sorted
 * set of keys by the time at which they end. A log is a stream whose ids begin with the number of an entry; each knows how many
 * characters there were before it and up to its end, so that the length of any part is a difference.
 *
 * Keys of sets are read from texts, not named by the caller: all keys of a server are in one slot.
 */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** A set lasts as long as what is in it. */
const STAY = `
local function stay(set, ttl)
  if redis.call('PTTL', set) < ttl then redis.call('PEXPIRE', set, ttl) end
end`;

/** KEYS: the text, its sets. ARGV: text, new version, time to live, expected version or nothing, the most for each set. */
export const PUT = `${NOW}${STAY}
local ttl = tonumber(ARGV[3])
local there = redis.call('HMGET', KEYS[1], 'v', 's')
if ARGV[4] ~= '' and ARGV[4] ~= (there[1] or '0') then return 'conflict' end
local sets
if there[1] then
  sets = cjson.decode(there[2])
else
  sets = {}
  for i = 2, #KEYS do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
    if redis.call('ZCARD', KEYS[i]) >= tonumber(ARGV[i + 3]) then return 'full' end
    sets[i - 1] = KEYS[i]
  end
end
redis.call('HSET', KEYS[1], 't', ARGV[1], 'v', ARGV[2], 's', cjson.encode(sets))
redis.call('PEXPIRE', KEYS[1], ttl)
for _, set in ipairs(sets) do
  redis.call('ZADD', set, now + ttl, KEYS[1])
  stay(set, ttl)
end
return ARGV[2]`;

/** KEYS: the text. ARGV: time to live. */
export const TOUCH = `${NOW}${STAY}
local ttl = tonumber(ARGV[1])
local sets = redis.call('HGET', KEYS[1], 's')
if not sets then return 0 end
redis.call('PEXPIRE', KEYS[1], ttl)
for _, set in ipairs(cjson.decode(sets)) do
  redis.call('ZADD', set, now + ttl, KEYS[1])
  stay(set, ttl)
end
return 1`;

/** KEYS: the text. */
export const DELETE = `
local sets = redis.call('HGET', KEYS[1], 's')
if not sets then return 0 end
redis.call('DEL', KEYS[1])
for _, set in ipairs(cjson.decode(sets)) do redis.call('ZREM', set, KEYS[1]) end
return 1`;

/** KEYS: the set. */
export const COUNT = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZCARD', KEYS[1])`;

/** The number of a log's last entry: it is known even when all of them made room. */
const LAST = `
local function lastOf(log)
  if redis.call('EXISTS', log) == 0 then return 0 end
  local facts = redis.call('XINFO', 'STREAM', log)
  for i = 1, #facts, 2 do
    if facts[i] == 'last-generated-id' then return tonumber(string.match(facts[i + 1], '^%d+')) end
  end
end
local function endOf(entry)
  return tonumber(entry[2][6]), tonumber(entry[2][4])
end`;

/** KEYS: the log. ARGV: text, its length, time to live, most entries, most characters. */
export const APPEND = `${LAST}
local number = lastOf(KEYS[1]) + 1
local before = 0
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if newest then before = endOf(newest) end
local upTo = before + tonumber(ARGV[2])
local id = string.format('%.0f-0', number)
redis.call('XADD', KEYS[1], id, 't', ARGV[1], 'b', string.format('%.0f', before), 'e', string.format('%.0f', upTo))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', ARGV[4])
while true do
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if not oldest then break end
  local _, from = endOf(oldest)
  if upTo - from <= tonumber(ARGV[5]) then break end
  redis.call('XDEL', KEYS[1], oldest[1])
end
return number`;

/** KEYS: the log. ARGV: the number after which to begin. Answers the last number, the oldest kept one, and ids with fields. */
export const READ = `${LAST}
local last = lastOf(KEYS[1])
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local first = oldest and tonumber(string.match(oldest[1], '^%d+')) or last + 1
local entries = redis.call('XRANGE', KEYS[1], string.format('%.0f-0', ARGV[1] + 1), '+')
return { last, first, entries }`;
