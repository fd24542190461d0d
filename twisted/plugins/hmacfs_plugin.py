"""What makes ``twistd hmacfs`` known; nothing of it is loaded before it is asked for."""

from twisted.application.service import ServiceMaker

HMACFS = ServiceMaker(
    "hmacfs", "hmacfs.tap", "Receive signed uploads over HTTP and serve them back.", "hmacfs"
)
