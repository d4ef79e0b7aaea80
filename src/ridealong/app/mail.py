"""Mail by SMTP, with the standard library's client: one message, one recipient, one connection.

Deliveries are few and each is tried by itself, so that one address that is refused keeps no other waiting. What a
server answers may quote what it was sent: only its status is kept.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.utils import formatdate, parseaddr
from typing import TYPE_CHECKING, Final

from ridealong.core.errors import InvalidSettings, RidealongError
from ridealong.outside import lies_inside

if TYPE_CHECKING:
    from ridealong.config import Settings
    from ridealong.postcall.email_form import Email

PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


class NotSent(RidealongError):
    """The mail was not taken. `answer`: the status of SMTP, None where there was none; `for_good`: do not try again."""

    def __init__(self, message: str, *, answer: int | None = None, for_good: bool = False, late: bool = False) -> None:
        super().__init__(message)
        self.answer = answer
        self.for_good = for_good
        self.late = late


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailbox:
    """Where mail goes out, and from whom. Made by `of_settings`."""

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 15.0
    """Of each step: connecting, each command, the message."""
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)
    outside: bool = False
    """Whether it must lie outside the server's own network: a tenant named it."""

    @classmethod
    def of_settings(cls, settings: Settings) -> Mailbox | None:
        """None where no server is set. Raises InvalidSettings naming what is missing."""
        if settings.smtp_host is None:
            return None
        if settings.smtp_from is None or "@" not in parseaddr(settings.smtp_from)[1]:
            raise InvalidSettings("RIDEALONG_SMTP_FROM: write the address that mail comes from, as me@calls.example")
        if settings.smtp_password is not None and settings.smtp_user is None:
            raise InvalidSettings("RIDEALONG_SMTP_PASSWORD needs RIDEALONG_SMTP_USER")
        if settings.smtp_security == "none" and settings.smtp_host not in _LOCAL and settings.smtp_password is not None:
            raise InvalidSettings("RIDEALONG_SMTP_SECURITY=none would send the password readable: use starttls or tls")
        return cls(
            host=settings.smtp_host,
            port=settings.smtp_port or PORTS[settings.smtp_security],
            security=settings.smtp_security,
            sender=settings.smtp_from,
            user=settings.smtp_user,
            password=None if settings.smtp_password is None else settings.smtp_password.get_secret_value(),
        )

    def send(self, email: Email, *, to: str, message_id: str) -> int:
        """Hand the mail to the server; its status. Blocks. Raises NotSent.

        `message_id` is the same at each attempt: a mailbox that gets it twice can tell.
        """
        message = email.message()
        try:
            message["From"] = self.sender
            message["To"] = to
            message["Date"] = formatdate(usegmt=True)
            message["Message-ID"] = f"<{message_id}@{parseaddr(self.sender)[1].rpartition('@')[2]}>"
            # No holiday notice is sent in answer to it (RFC 3834).
            message["Auto-Submitted"] = "auto-generated"
            with self._signed_in() as server:
                server.send_message(message, from_addr=parseaddr(self.sender)[1], to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise _refused("the recipient", code, for_good=code >= 500) from None
        except smtplib.SMTPDataError as error:
            raise _refused("the message", error.smtp_code, for_good=error.smtp_code >= 500) from None
        except smtplib.SMTPAuthenticationError as error:
            raise _refused("user and password", error.smtp_code, for_good=False) from None
        except smtplib.SMTPSenderRefused as error:
            raise _refused("the sender", error.smtp_code, for_good=False) from None
        except smtplib.SMTPResponseException as error:
            # As sign-in and sender: the operator can mend it, so the mail waits.
            raise _refused("us", error.smtp_code, for_good=False) from None
        except TimeoutError:
            raise NotSent("the mail server does not answer", late=True) from None
        except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
            # The client tells a server that is silent as one that hung up.
            late = isinstance(error.__context__, TimeoutError)
            raise NotSent(_unreached(error), late=late) from None
        except (ValueError, UnicodeError):
            raise NotSent("the mail cannot be written for this address", for_good=True) from None
        return 250

    def check(self) -> None:
        """Connect and sign in; sends nothing. Blocks. Raises NotSent."""
        try:
            with self._signed_in() as server:
                server.noop()
        except smtplib.SMTPAuthenticationError as error:
            raise _refused("user and password", error.smtp_code, for_good=False) from None
        except smtplib.SMTPResponseException as error:
            raise _refused("us", error.smtp_code, for_good=False) from None
        except TimeoutError:
            raise NotSent("the mail server does not answer", late=True) from None
        except (smtplib.SMTPException, ssl.SSLError, OSError, ValueError) as error:
            raise NotSent(_unreached(error)) from None

    def _signed_in(self) -> smtplib.SMTP:
        server = self._connected()
        if self.user is not None:
            try:
                server.login(self.user, self.password or "")
            except BaseException:
                server.close()
                raise
        return server

    def _connected(self) -> smtplib.SMTP:
        if self.security == "tls":
            kind = _OutsideTls if self.outside else smtplib.SMTP_SSL
            return kind(self.host, self.port, timeout=self.timeout_s, context=self.tls)
        server = (_Outside if self.outside else smtplib.SMTP)(self.host, self.port, timeout=self.timeout_s)
        if self.security == "starttls":
            try:
                # Raises where the server offers none: nothing is sent readable because somebody cut the offer out.
                server.starttls(context=self.tls)
            except BaseException:
                server.close()
                raise
        return server


def _refused(whom: str, code: int, *, for_good: bool) -> NotSent:
    return NotSent(f"the mail server refused {whom} ({code})", answer=code, for_good=for_good)


def _unreached(error: Exception) -> str:
    """Why there was no talk with the server, for whoever set it. What it answered is not repeated."""
    match error:
        case ssl.SSLCertVerificationError():
            why = "its certificate is not valid for this name"
        case ssl.SSLError():
            why = "it does not speak TLS here: try another encryption or port"
        case socket.gaierror():
            why = "there is no host of that name"
        case ConnectionRefusedError():
            why = "nobody listens at that host and port"
        case smtplib.SMTPNotSupportedError():
            why = "it offers no STARTTLS, or no sign-in that we know"
        case smtplib.SMTPServerDisconnected():
            why = "it hung up"
        case _:
            why = type(error).__name__
    return f"the mail server is not reached ({why})"


class _Outside(smtplib.SMTP):
    """Connects to addresses outside the server's network alone, whatever a name leads to at that moment."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _socket_outside(host, port, timeout)


class _OutsideTls(smtplib.SMTP_SSL):
    """The same by TLS. The certificate is held against the name, as always."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(_socket_outside(host, port, timeout), server_hostname=host)


def _socket_outside(host: str, port: int, timeout: float) -> socket.socket:
    # What was looked up is what is connected to: asked a second time, a name may lead elsewhere.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    outside = [str(address[0]) for *_, address in found if not lies_inside(str(address[0]))]
    if not outside:
        raise OSError("the name leads inside the server's own network")
    failed: OSError | None = None
    for address in outside:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failed = error
    raise failed or OSError("not reached")
