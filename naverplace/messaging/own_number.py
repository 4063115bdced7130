"""Test messages to the owner's own phone: the one way to SENS beside the ledger.

It takes an OwnNumber, which can be made of nothing but a number that the settings list.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import final

from naverplace.base.errors import Permanent
from naverplace.base.korean_text import size
from naverplace.base.phone import mask, normalise_phone
from naverplace.base.translation import gettext as _
from naverplace.messaging.sens import SensClient
from naverplace.settings.schema import SensSettings

TEST_MARK = "[시험]"  # begins every test message
_SMS_BYTES, _LMS_BYTES = 90, 2000  # outside-services: SENS bytes


@final
class OwnNumber:
    """A phone that NAVERPLACE_SENS__OWN_NUMBERS lists; made of no other number."""

    __slots__ = ("_digits",)

    def __init__(self, settings: SensSettings, wanted: str = "") -> None:
        """Take the wanted number, or the first one. Raises Permanent when it is not listed."""
        own = [normalise_phone(number) for number in settings.own_numbers]
        if not own:
            raise Permanent(
                _(
                    "no number is listed as the owner's own: set NAVERPLACE_SENS__OWN_NUMBERS, "
                    "like 010-0000-0001; nothing was sent"
                )
            )
        try:
            digits = normalise_phone(wanted) if wanted else own[0]
        except ValueError as error:
            words = _("{why}; nothing was sent")
            raise Permanent(words.format(why=error)) from None
        if digits not in own:
            words = _("{phone} is not listed in NAVERPLACE_SENS__OWN_NUMBERS; nothing was sent")
            raise Permanent(words.format(phone=mask(digits)))
        self._digits = digits

    @property
    def digits(self) -> str:
        """Give the number as SENS wants it."""
        return self._digits

    def __str__(self) -> str:
        return mask(self._digits)

    __repr__ = __str__


class TestMessage:
    """One message to the owner's own phone, marked as a test."""

    __test__ = False  # no test of pytest's

    def __init__(self, to: OwnNumber, *, sender: str, subject: str, text: str, long: bool) -> None:
        self.to, self.sender, self.subject = to, sender, subject
        self.text = f"{TEST_MARK} {text}"
        self.message_type = "LMS" if long or size(self.text) > _SMS_BYTES else "SMS"
        if size(self.text) > _LMS_BYTES:
            words = _("with {mark} the text is too long for an LMS; nothing was sent")
            raise Permanent(words.format(mark=TEST_MARK))

    def fingerprint(self, sens: SensClient) -> str:
        """Name its content, so that the reconciliation knows it in SENS's log."""
        subject = self.subject if self.message_type == "LMS" else ""
        return sens.fingerprint(
            to=self.to.digits, sender=self.sender, subject=subject, text=self.text
        )

    def send(
        self,
        sens: SensClient,
        counting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> str:
        """Send it, and return the request id; raises what SensClient.send raises, and Permanent.

        What SENS is given is looked up once more in the settings: no other number passes.
        """
        if type(self.to) is not OwnNumber:
            raise TypeError("a test message goes to an OwnNumber only")
        to = OwnNumber(sens.settings, self.to.digits)
        return sens.send(
            to=to.digits,
            sender=self.sender,
            subject=self.subject,
            text=self.text,
            message_type=self.message_type,
            counting=counting,
        )
