"""Counters of the server's skin. Labels are routes and codes of our own, never anything a client wrote."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

sockets_open = Gauge("ridealong_sockets_open", "Sockets open now", ["kind"])
sockets_refused_total = Counter("ridealong_sockets_refused_total", "Sockets closed with an error", ["kind", "code"])
audio_bytes_total = Counter("ridealong_audio_bytes_total", "Payload bytes of audio taken")
carrier_messages_ignored_total = Counter(
    "ridealong_carrier_messages_ignored_total", "Messages of media streams that meant nothing"
)
requests_total = Counter("ridealong_http_requests_total", "HTTP requests answered", ["method", "route", "status"])
