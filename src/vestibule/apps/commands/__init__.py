"""Administration by command: one table of names, the same for the control socket and for a process of its own.

    from vestibule.apps.commands import link                              a running server: starts fast
    result = link.call(socket_path, "user.add", {"name": "alice@example.org"}, progress)

    from vestibule.apps.commands.running import Commands                  a process of its own
    result = await Commands(pieces).run("user.add", {"name": "alice@example.org"}, actor, progress)

Both raise `link.CommandFailed` with its `kind` (refused, malformed, unavailable, bug), `text` for the person and
`fields`; `progress(done, total)` is told how far it is, `total` None when it is not known.

Arguments and results are JSON. Times are seconds since the epoch; null where there is none. `?` marks an argument that
may be left out, `= x` its default. Nothing secret comes back but where "shown once" stands. A list comes in pages:
`limit?` (1 to 1000, by default 100) and `after?`, the `next` of the page before; `next` is null at the end.

USER   {id, name, first_name, last_name, email, phone, locale, groups: [name], mfa: off|enabled|enforced,
        role: none|helpdesk|auditor|administrator|owner, blocked: null|{since, until, by, reason},
        directory: where the person comes from or "", created_at}
TOKEN  {id, serial, method: name, user: name|null, label, state: pending|active|disabled, usable,
        manufacturer, model, algorithm: sha1|sha256|sha512, digits, period, waiver_until: time|null,
        starts_at: time|null, expires_at: time|null, created_at}
GROUP  {name, description, reply_attributes: [[name, value]]}
CLIENT {id, name, networks: [cidr], nas_identifier, sign_in: password_then_code|password_and_code|code_and_password|
        code_only, require_user_match, require_message_authenticator, limit_proxy_state, holds, time_budget,
        rejoin_seconds, first_factor: directory or "", pass_until: time|null, pass_through, secrets: 0|1|2,
        created_at}
DIRECTORY  {id, kind, settings: {}, secret: whether one is set, created_at}
RULE   {position (1 is the first), name, outcome: deny|allow|require, clients: [id], groups: [name],
        networks: [cidr], methods: [name]}
REPORT {file_name, dry_run, created, changed, unchanged, problems: [{line, column, field, reason}],
        failures: text of the failures file ("" without problems; that of tokens holds keys)}
TOKEN_REPORT  REPORT with {format, title: what the format is called, assigned: how many found their user,
        waived: [{line, serial, bits}], expired: [{line, serial, expires_at}],
        numbered: [{line, serial: the one that was made for a key without}],
        unowned: [{line, serial, owner: whom nobody knows here}], notes: [text]}

user.add        name, first_name?, last_name?, email?, phone?, locale?, groups?: [name], mfa? = enabled, password?
                → {user: USER}
user.list       after?, limit?, search? (how the name begins) → {users: [USER], next}, in order of name
user.show       name → {user: USER, password_changed_at: time|null, credentials: [TOKEN], failures: [{kind:
                source|factor, name, count, last_at, delayed_until: time|null, stopped, accepted_at: time|null}]}
user.set        name, changes: {name?, first_name?, last_name?, email?, phone?, locale?, groups?, mfa?}
                → {user: USER, changed: [field]}
user.block      name, reason, days? = 90 → {user: USER}
user.unblock    name → {user: USER}
user.password   name, password → {user: USER}
user.remove     name, erase? = false → {removed: name, returned: [serial], erased: journal lines}
user.reset      name → {cleared: rows of failures}
user.signout    name → {ended: sessions}
user.reregister name, reason? → {user: USER, returned: [serial], removed: factors}
user.role       name, role: none|helpdesk|auditor|administrator|owner → {user: USER}
user.roles      → {users: [USER]}, everybody who has a role
user.import     content: text, file_name, dry_run? = false → REPORT (with progress)
owner.link      name? (somebody who is here already) → {url (shown once), until, user: name|null}

pass.issue      user, minutes? (10 to 43200; else the setting access_pass_minutes), once? = true, starts_at? (time)
                → {pass: PASS, code: text (shown once)}
                PASS {id, user, once, used, starts_at: time|null, expires_at, usable, created_at}
pass.list       user → {passes: [PASS]}, one at most
pass.revoke     user → {revoked: name}
bypass.grant    user, reason, seconds? = 300 (60 to 3600) → {bypass: BYPASS}
                BYPASS {user, reason, until, created_at}
bypass.list     user → {bypasses: [BYPASS]}, one at most
bypass.cancel   user → {cancelled: name}
caller.check    user, code? (of a factor of theirs), note? (10 characters or more) → {check: CHECK}
                CHECK {user, at, until, way: code|note, note}
caller.show     user → {needed: whether resets take a check, check: null|CHECK}

group.add       name, description?, reply_attributes?: [[name, value]] → {group: GROUP}
group.list      → {groups: [GROUP]}
group.show      name → {group: GROUP}
group.set       name, description?, reply_attributes? → {group: GROUP}
group.remove    name → {removed: name, members: how many users were in it} (with progress)

token.import    content: the file in Base64, file_name, key?: a pre-shared key (hexadecimal, Base64 or octets) in
                Base64, passphrase?, dry_run? = false, waiver_until?: "2027-01-31", pending? = false
                → TOKEN_REPORT (with progress)
token.add       user, serial?, secret? (Base32; made here if absent), method? = totp, algorithm? = sha1, digits? = 6,
                period? = 30, counter? = 0, label?, pending? = false, waiver_until?
                → {token: TOKEN, uri, secret} (shown once)
token.list      after?, limit?, user?, unassigned? = false → {tokens: [TOKEN], next}
token.show      token → {token: TOKEN, used_at: time|null, drift (steps), counter, resync (two codes are asked),
                failures: count}
token.assign    token, user, pending? = false → {token: TOKEN}
token.unassign  token → {token: TOKEN}
token.activate  token, code → {token: TOKEN}
token.resync    token, first, second → {token: TOKEN, drift, counter}
token.disable   token → {token: TOKEN}
token.enable    token → {token: TOKEN}
token.remove    token → {removed: serial or id}
token.export    after?, limit? → {tokens: [TOKEN], next}; never a key
token.keys      after?, limit? → {tokens: [{serial (an id where there is none), method, secret (Base64), algorithm,
                digits, period, counter, drift, user: name|null, manufacturer, model, starts_at, expires_at}],
                left_out: tokens that are not active, next}; each page has its line in the journal
                (`token` is a serial number or an id)
recovery.issue  user → {token: TOKEN, codes: [text]} (shown once; all earlier ones are void)
passkey.metadata  content: the file of the FIDO Metadata Service in Base64, root?: a PEM certificate to trust instead →
                as passkey.models
passkey.models  → {file: null|{number, due, at, models: how many}, unsafe: [{model: AAGUID, name, report}],
                affected: [{user: name, passkey: id, label, model: name, report}]}

client.add      name, networks?: [cidr] (without: it asks over the HTTP API only, and has no secret), id? (made of the
                name), sign_in? = password_then_code, nas_identifier?, require_user_match? = true,
                require_message_authenticator? = true, limit_proxy_state? = true,
                holds? = true, time_budget? = 30, rejoin_seconds? = 0, first_factor?,
                pass_until?: "2027-01-31", pass_through? = false, secret?
                → {client: CLIENT, secret: text|null (the one made here, shown once), warnings: [text]}
client.list     → {clients: [CLIENT]}
client.show     id → {client: CLIENT, warnings: [text]}
client.set      id, and any of client.add but id and secret → {client: CLIENT, changed: [field], warnings: [text]}
client.remove   id → {removed: id}
client.secret   id, step: begin|finish, secret? → {client: CLIENT, secret: text|null (shown once), warnings: [text]}

directory.add   id, kind: ldap|radius, settings: {} (see the page of the kind), secret? → {directory: DIRECTORY}
directory.list  → {directories: [DIRECTORY]}
directory.show  id → {directory: DIRECTORY, last_sync: null|{at, counts, held, held_as: number of that list}}
directory.set   id, settings?: {name: value, null for the default}, secret? → {directory: DIRECTORY, changed: [name]}
directory.test  id, user, password? → {directory: id, found: null|{id, name, other_names, place, enabled}|{ambiguous:
                [place]}, password: null|{right, reason: text|null, detail, attributes: [[name, value]]}}
directory.sync  id, dry_run? = false, approve?: number of a list of people held, changes_only? = false
                → {directory: id, dry_run, partial, created, changed, unchanged, gone, disabled, back, refused,
                unreadable, held: [name], held_count, held_as, nobody_listed, notes: [{place, what}]} (with progress)
directory.remove  id, release? = false → {removed: id, released: users who are local now} (with progress)

phone.add       user, number (+1 425 555 0100 x123, or an e-mail address), kind? = mobile|office|backup, uses?:
                [text|call|reply] (else text and call), pin? (whether one is asked for), label? → {phone: PHONE}
                PHONE {id, method: phone|mail, to: masked, label, kind, region, extension: whether there is one,
                uses: [text], pin: null|true|false, state, proven_at: time|null, changed_at: time|null}
phone.list      user → {phones: [PHONE]}
phone.set       user, phone (id, label or number), number?, uses?, pin?: yes|no|default, label?
                → {phone: PHONE, changed: [field]}
phone.remove    user, phone → {removed: masked}
pin.set         user, pin? (drawn if absent), must_change? = true → {pin: text|null (shown once), must_change}
pin.remove      user → {removed: name}

provider.add    id, kind, settings: {} (see the page of the kind), secret? → {provider: PROVIDER}
                PROVIDER {id, kind, media: [call|text|mail], settings: {}, secret: whether one is set, enabled,
                hook: the URL that it is given, created_at}
provider.list   → {providers: [PROVIDER]}
provider.show   id → {provider: PROVIDER}
provider.set    id, settings?: {name: value, null for the default}, secret?, enabled?
                → {provider: PROVIDER, changed: [name]}
provider.test   id, user, phone? → {message: id, see provider.sends}
provider.sends  user?, message?, after?, limit? → {sends: [{id, message, provider, medium, state: dispatching|
                unknown|accepted|failed|undelivered|delivered, fault, code, reference, region, cost, currency,
                begun_at, ended_at: time|null}], next}
provider.remove id → {removed: id}
route.add       name, medium, providers: [id], regions?: [region], senders?: {provider: sender}, position? (last)
                → {routes: [ROUTE]}   ROUTE {name, position, medium, regions, providers, senders}
route.list      → {routes: [ROUTE]}
route.remove    name → {removed: name}
price.set       content (a CSV with provider, medium, place and price), dry_run? → {prices: rows, dry_run}
price.list      after?, limit? → {prices: [{provider, medium, place, price}], next}

api_key.add     name, client? (a key that verifies as this client), rights?: [right] (else one that manages), role? (all
                rights of a role), expires?: "2027-01-31" → {key: KEY, secret: text (the whole key, shown once)}
                KEY {id, name, scope: verify|manage, client: id|null, rights: [right], expires_at: time|null,
                created_at, created_by, used_at: time|null (to the hour)}
api_key.list    → {keys: [KEY]}
api_key.remove  id (or name) → {removed: name}

sound.add       language, message, content: the WAV file in Base64, file_name? → {recording: RECORDING}
                RECORDING {language, message, seconds, source, changed_at, digest}
sound.list      → {messages: [{message, words: in English}], recordings: [RECORDING]}
sound.remove    language, message → {}

policy.add      name, outcome, clients?, groups?, networks?, methods?, position? (default: last) → {rule: RULE}
policy.list     → {rules: [RULE], default: text}
policy.show     name → {rule: RULE}
policy.move     name, position → {rules: [RULE], default: text}
policy.remove   name → {removed: name}
policy.test     user, client, address? → {outcome, rule: name, methods: [name], second_factor: whether it is asked}

setting.list    → {settings: [{name, value, default, changed, help, fits}]}
setting.set     name, value (JSON, or its text), reason? → {name, value}
setting.unset   name, reason? → {name, value}
setting.history name?, limit? → {changes: [{change, at, actor, name, old: null where it is not known, new, reason,
                undoes: change|null, undoable}]}, the newest first
setting.undo    change → {name, value}; refused where it was changed again since

journal.list    user?, user_id?, since?, until?, kind?: sign_in|administration|system, reason?, accepted?: true|false,
                after?, limit? → {lines: [LINE], next, position}; `position` is where new lines go on, to follow
                LINE {at, chain, seq, kind, action, actor, user_id, user_name, full_name, email, phone, device,
                client_address, source, client_id, method, accepted: null|true|false, reason: null|text, result, rule,
                attempt_id, credential_id, detail: {}, server_name, server_address, erased}
journal.verify  → {intact, fault: text|null, lines, chains: [{chain, started_at, server_name, first_seq, seq, mac,
                lines}]} (with progress)
journal.prune   before → {pruned: lines} (with progress)
journal.report  month: "2027-01" → {month, accepted, refused, days: [{day, accepted, refused}], methods: [{method,
                accepted, refused}], clients: [{client, accepted, refused}], reasons: [{reason, refused}]} (with
                progress); sign-ins only, by days of UTC

journal.trace   attempt (or chain/seq) → {line: LINE, steps: [{topic, mark, said: [text]}], others: [LINE]}

status          → {users, groups, tokens, recovery_lists, clients, rules, attempts, waiting, now}
backup          target: absolute path → {path, at, octets, sha256}
doctor          → {findings: [{level: ok|note|warning|error, what, remedy}]} (with progress)
clock.confirm   → {confirmed: null|what the clock did}
key.status      → {keys: [{id, purpose, made_at: time|null, seals: whether it seals from now on, rows: {table: count}}],
                unreadable: [{key, rows}], rotation: null|{to, replaces: [id], begun_at, done, total, refused: [text]},
                master_changed_at: time|null (until it is confirmed), now}
key.rotate      again? = false → {rotated: false when the key is too young, key, made_at, sealed_anew: rows,
                retired: [id]} (with progress)
key.discard     row: table/id of a row that does not open → {discarded: row}
key.master      finish? = false → {file, aside: path|null, since}, or with `finish` {confirmed}
verify          user, client, typed, state? → {decision: accept, user, groups} | {decision: reject, reason} |
                {decision: ask, state}; `state` goes back with the code as `typed`

To add a command: write the flow, put one line into `table.py` and one here; a test holds the two together.
"""
