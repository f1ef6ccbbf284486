"""LIES: everything that the demo provider can tell wrong, by name.

Switch one on with `DemoProvider.lie("nonce_wrong")`, or for one client or one issuer alone.
"""

from portal.cli.demo_provider.answer_lies import ANSWER_LIES
from portal.cli.demo_provider.discovery_lies import JWKS_LIES, METADATA_LIES
from portal.cli.demo_provider.id_token_lies import ID_TOKEN_LIES
from portal.cli.demo_provider.logout_token_lies import LOGOUT_TOKEN_LIES
from portal.cli.demo_provider.lying import Lie
from portal.cli.demo_provider.person_lies import PERSON_LIES
from portal.cli.demo_provider.response_lies import AUTHORIZATION_LIES, TOKEN_LIES, USERINFO_LIES

LIES: dict[str, Lie] = {
    **METADATA_LIES,
    **JWKS_LIES,
    **AUTHORIZATION_LIES,
    **TOKEN_LIES,
    **ID_TOKEN_LIES,
    **PERSON_LIES,
    **USERINFO_LIES,
    **LOGOUT_TOKEN_LIES,
    **ANSWER_LIES,
}
