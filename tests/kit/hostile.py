"""Texts that try to be more than text. Pure.

A script that gets to run sets `hacked`.
"""

SCRIPT = "<script>hacked=1</script>"
ATTRIBUTE = "\"'><img src=x onerror=hacked=1>"
ADDRESS = "javascript:hacked=1//"
TEMPLATE = "{{7*7}}${7*7}{%x%}"
END_OF_ELEMENT = "</textarea></title></script><svg onload=hacked=1>"
# What ends a line of a script, and what turns the direction of what follows.
SEPARATORS = "\u2028hacked=1\u2029\u202egpj"
LONG = "W" * 200

# Fits a name of 200 characters, which has no marks of direction.
NAME = SCRIPT + ATTRIBUTE + ADDRESS + TEMPLATE + END_OF_ELEMENT
EVERYTHING = NAME + SEPARATORS + LONG
# What an address of e-mail can be made of.
LOCAL_PART = "'{{7*7}}|`$*"
# No digits: a long part of a path that has one is masked as a token.
URL_PATH = "/'onmouseover=hacked/{{7*7}}/javascript:hacked/"


def squeezed(text: str) -> str:
    """Without what separates words and lines: pages break text where they like."""
    return "".join(text.split())
