"""What mails say that tell people of a change of their account, by kind of change and language. No link is in them."""

from collections.abc import Mapping

SUBJECT: Mapping[str, str] = {
    "en": "A change of your account",
    "nl": "Een wijziging van uw account",
    "th": "การเปลี่ยนแปลงในบัญชีของคุณ",
}
WHAT_TO_DO: Mapping[str, str] = {
    "en": "If that was not you, call your helpdesk now. This mail has no link, and nobody asks you for a code.",
    "nl": "Was u dat niet? Bel dan nu de helpdesk. In deze mail staat geen link, en niemand vraagt u om een code.",
    "th": "หากไม่ใช่คุณ โปรดโทรหาฝ่ายช่วยเหลือทันที อีเมลนี้ไม่มีลิงก์ และไม่มีใครขอรหัสจากคุณ",
}
APPLICATION = "<$application_name$>"

WHAT_HAPPENED: Mapping[str, Mapping[str, str]] = {
    "added": {
        "en": f"A new way to sign in was added to your account at {APPLICATION}.",
        "nl": f"Aan uw account bij {APPLICATION} is een nieuwe manier van aanmelden toegevoegd.",
        "th": f"มีการเพิ่มวิธีลงชื่อเข้าใช้ใหม่ในบัญชีของคุณที่ {APPLICATION}",
    },
    "removed": {
        "en": f"A way to sign in was removed from your account at {APPLICATION}.",
        "nl": f"Van uw account bij {APPLICATION} is een manier van aanmelden verwijderd.",
        "th": f"มีการลบวิธีลงชื่อเข้าใช้ออกจากบัญชีของคุณที่ {APPLICATION}",
    },
    "changed": {
        "en": f"A telephone or a PIN of your account at {APPLICATION} was changed.",
        "nl": f"Een telefoon of pincode van uw account bij {APPLICATION} is gewijzigd.",
        "th": f"โทรศัพท์หรือรหัสพินของบัญชีของคุณที่ {APPLICATION} ถูกเปลี่ยน",
    },
    "recovered": {
        "en": f"Recovery codes or a pass for your account at {APPLICATION} were issued.",
        "nl": f"Voor uw account bij {APPLICATION} zijn herstelcodes of een pas verstrekt.",
        "th": f"มีการออกรหัสกู้คืนหรือบัตรผ่านสำหรับบัญชีของคุณที่ {APPLICATION}",
    },
    "password": {
        "en": f"The password of your account at {APPLICATION} was changed.",
        "nl": f"Het wachtwoord van uw account bij {APPLICATION} is gewijzigd.",
        "th": f"รหัสผ่านของบัญชีของคุณที่ {APPLICATION} ถูกเปลี่ยน",
    },
    "alarm": {
        "en": f"Something happened to your account at {APPLICATION} that may not have been you.",
        "nl": f"Er is iets met uw account bij {APPLICATION} gebeurd dat u misschien niet zelf was.",
        "th": f"เกิดเหตุการณ์กับบัญชีของคุณที่ {APPLICATION} ซึ่งอาจไม่ใช่คุณ",
    },
}
