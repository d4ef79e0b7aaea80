"""The recording of a call on disk: its audio as it arrived, and a log of everything that was made of it.

One folder a call, `<recordings>/<tenant_id>/<call_id>/`:

    call.json     what the sender stated at the start
    audio         the payload bytes, as received (Opus: each packet behind its length, two bytes, big-endian)
    log.jsonl     one line for each finished utterance, moment, role, gap and the end, in order
    stored        an empty mark: everything in the log is in the database

Audio is written and flushed to the disk before it is acknowledged; a log line is written before anybody hears of it.
The database may be away meanwhile: what it missed is written from the log, also by the next process.
"""
