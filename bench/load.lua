-- What wrk sends, and what it says at its end.
--
-- Without arguments it repeats what wrk was told on its command line.  With one,
-- each line of that file is the target of a GET, over and over.  With two, each
-- line of the first file is the target of one PUT, and all of the second file is
-- the body of each; where the targets do not suffice it asks for what is not
-- there, and that counts as an error.

local targets, at, tail = {}, 0, nil

local function read(path)
   local file = assert(io.open(path, "rb"))
   local content = file:read("*a")
   file:close()
   return content
end

function init(arguments)
   local fields = " HTTP/1.1\r\n"
   for name, value in pairs(wrk.headers) do
      fields = fields .. name .. ": " .. value .. "\r\n"
   end
   if #arguments > 0 then
      for line in io.lines(arguments[1]) do
         targets[#targets + 1] = line
      end
   end
   if #arguments == 1 then
      tail = fields .. "\r\n"
      request = function()
         at = at % #targets + 1
         return "GET " .. targets[at] .. tail
      end
   elseif #arguments == 2 then
      local body = read(arguments[2])
      tail = fields .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
      request = function()
         at = at + 1
         return "PUT " .. (targets[at] or "/no-more-targets") .. tail
      end
   end
   io.stderr:write("ready\n")
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, ' ..
      '"faults": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
      summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(99),
      errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
