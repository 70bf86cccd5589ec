-- Uses a code up that was sent by e-mail, unless another has taken its place.
-- KEYS code
-- ARGV hash of the code
-- Returns 1 or 0.
if redis.call('HGET', KEYS[1], 'h') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
