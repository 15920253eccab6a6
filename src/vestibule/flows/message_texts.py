"""What texts and mails say, by language: the code first, then for what, and no link in any of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from vestibule.core.sending import Sending
from vestibule.flows.notice_texts import APPLICATION, SUBJECT, WHAT_HAPPENED, WHAT_TO_DO

OTP = "<$otp$>"
LONGEST_APPLICATION = 40
DEFAULT = "en"
NOTICE = "notice_"  # how the names of templates begin that tell of something done


@dataclass(frozen=True, slots=True)
class Wording:
    """One kind of message: its text, and for mail its subject."""

    text: str
    subject: str = ""


TEXTS: Mapping[str, Mapping[str, Wording]] = {
    "text": {
        "en": Wording(f"{OTP} is your code for {APPLICATION}. Nobody will ever ask you for it."),
        "nl": Wording(f"{OTP} is uw code voor {APPLICATION}. Niemand zal u er ooit om vragen."),
        "th": Wording(f"{OTP} คือรหัสของคุณสำหรับ {APPLICATION} ไม่มีใครจะขอรหัสนี้จากคุณ"),
    },
    "reply": {
        "en": Wording(f"Reply {OTP} to sign in to {APPLICATION}. If that is not you, do not reply."),
        "nl": Wording(f"Antwoord {OTP} om aan te melden bij {APPLICATION}. Bent u dat niet, antwoord dan niet."),
        "th": Wording(f"ตอบกลับ {OTP} เพื่อเข้าสู่ระบบ {APPLICATION} หากไม่ใช่คุณ อย่าตอบกลับ"),
    },
    "verify": {
        "en": Wording(f"{OTP} proves that this number is yours, for {APPLICATION}.", "Your code"),
        "nl": Wording(f"{OTP} bewijst dat dit nummer van u is, voor {APPLICATION}.", "Uw code"),
        "th": Wording(f"{OTP} ยืนยันว่าหมายเลขนี้เป็นของคุณ สำหรับ {APPLICATION}", "รหัสของคุณ"),
    },
    "mail": {
        "en": Wording(f"{OTP} is your code for {APPLICATION}.\n\nNobody will ever ask you for it.", "Your code"),
        "nl": Wording(f"{OTP} is uw code voor {APPLICATION}.\n\nNiemand zal u er ooit om vragen.", "Uw code"),
        "th": Wording(f"{OTP} คือรหัสของคุณสำหรับ {APPLICATION}\n\nไม่มีใครจะขอรหัสนี้จากคุณ", "รหัสของคุณ"),
    },
    "test": {
        "en": Wording("This is a test. Nothing is to be done.", "A test"),
        "nl": Wording("Dit is een test. U hoeft niets te doen.", "Een test"),
        "th": Wording("นี่คือการทดสอบ ไม่ต้องดำเนินการใด ๆ", "การทดสอบ"),
    },
    "number_changed": {
        "en": Wording("The number for your sign-ins was changed. If that was not you, call your helpdesk now."),
        "nl": Wording("Het nummer voor uw aanmeldingen is gewijzigd. Was u dat niet? Bel dan nu de helpdesk."),
        "th": Wording("หมายเลขสำหรับการเข้าสู่ระบบของคุณถูกเปลี่ยน หากไม่ใช่คุณ โปรดโทรหาฝ่ายช่วยเหลือทันที"),
    },
    "help": {
        "en": Wording("This number sends codes to sign in with. Reply STOP to get none any more."),
        "nl": Wording("Dit nummer stuurt codes om mee aan te melden. Antwoord STOP om er geen meer te krijgen."),
        "th": Wording("หมายเลขนี้ส่งรหัสสำหรับเข้าสู่ระบบ ตอบกลับ STOP หากไม่ต้องการรับอีก"),
    },
    "too_late": {
        "en": Wording("This reply came too late. Sign in again to get a new code."),
        "nl": Wording("Dit antwoord kwam te laat. Meld u opnieuw aan voor een nieuwe code."),
        "th": Wording("คำตอบนี้มาช้าเกินไป โปรดเข้าสู่ระบบอีกครั้งเพื่อรับรหัสใหม่"),
    },
    **{
        f"{NOTICE}{what}": {
            language: Wording(f"{text}\n\n{WHAT_TO_DO[language]}", SUBJECT[language]) for language, text in said.items()
        }
        for what, said in WHAT_HAPPENED.items()
    },
}
"""By template, then by language."""

OWN = {"text": "text_template", "reply": "reply_template", "mail": "mail_template"}
"""The setting that replaces a text that comes along, in all languages."""


def worded(template: str, locale: str, sending: Sending, *, code: str, application: str) -> Wording:
    """The message for one person: their language, else its first part, else English."""
    known = TEXTS[template]
    wording = known.get(locale) or known.get(locale.partition("-")[0]) or known[DEFAULT]
    own = getattr(sending, OWN[template]) if template in OWN else ""
    text = (own or wording.text).replace(OTP, code).replace(APPLICATION, application[:LONGEST_APPLICATION])
    return Wording(text, wording.subject)
