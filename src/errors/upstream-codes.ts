import type { CodeEntries } from "./code-entry.ts";

/** What HikCentral, Eposh and the photo host answer, and that they do not. */
export const upstreamCodes = {
  hikcentral_down: {
    meaning: "HikCentral does not answer.",
    todo: "Bring HikCentral or the network back. The stages then resume by themselves.",
    cure: "platform",
    kinds: ["pause"],
  },
  hikcentral_service_exception: {
    meaning: "HikCentral reports a service exception, for example of its database or disk.",
    todo: "Check the server of HikCentral. A pause ends by itself. A dead letter is about one person: look at the person there, then replay.",
    cure: "platform",
    kinds: ["pause", "dead letter"],
  },
  hikcentral_unreachable: {
    meaning: "The connection to HikCentral failed or broke.",
    todo: "Check the network. A pause ends by itself; replay a dead letter.",
    cure: "platform",
    kinds: ["pause", "dead letter"],
  },
  hikcentral_timeout: {
    meaning: "HikCentral did not answer within `hikcentral.timeout`.",
    todo: "Check the load of HikCentral. A pause ends by itself; replay a dead letter.",
    cure: "platform",
    kinds: ["pause", "dead letter"],
  },
  answer_lost: {
    meaning:
      "The connection broke before the answer of HikCentral came, so nobody knows whether the call was carried out.",
    todo: "A pause ends by itself. Replay a dead letter: the stage looks before it writes again.",
    cure: "platform",
    kinds: ["pause", "dead letter"],
  },
  hikcentral_bad_answer: {
    meaning: "The answer is not one of HikCentral's OpenAPI.",
    todo: "Check `hikcentral.url` with its port, and whether a proxy answers in the place of HikCentral. Replay a dead letter.",
    cure: "platform",
    kinds: ["pause", "dead letter"],
  },
  hikcentral_wrong_key: {
    meaning: "HikCentral does not know the partner key.",
    todo: "Set `hikcentral.app_key` to the key of the OpenAPI partner.",
    cure: "setup",
    kinds: ["pause"],
  },
  hikcentral_wrong_signature: {
    meaning:
      "HikCentral rejects the signature: the partner secret is wrong, or the gateway expects the other signature.",
    todo: "Set `hikcentral.app_secret` to the secret of the OpenAPI partner, or change `hikcentral.signature`.",
    cure: "setup",
    kinds: ["pause"],
  },
  hikcentral_not_permitted: {
    meaning: "The partner has no permission for this API.",
    todo: "Tick the API for the partner in HikCentral. The text names the call.",
    cure: "setup",
    kinds: ["pause"],
  },
  hikcentral_not_supported: {
    meaning: "HikCentral does not know this call.",
    todo: "Check `hikcentral.url` and the version of HikCentral. A dead letter is about one person: look at the person there, then replay.",
    cure: "setup",
    kinds: ["pause", "dead letter"],
  },
  hikcentral_call_limit: {
    meaning: "The partner has used up its calls.",
    todo: "Raise the limit in HikCentral, or wait for the next period.",
    cure: "setup",
    kinds: ["pause"],
  },
  hikcentral_licence: {
    meaning: "HikCentral has no licence, or no room for more persons.",
    todo: "Extend the licence of HikCentral.",
    cure: "setup",
    kinds: ["pause"],
  },
  hikcentral_refused: {
    meaning: "HikCentral refuses the partner and gives none of its usual reasons.",
    todo: "Check the key, the secret and the rights of the partner.",
    cure: "setup",
    kinds: ["pause"],
  },
  hikcentral_setup: {
    meaning: "HikCentral refuses to show its custom fields, privilege groups or organisations. Nothing is written.",
    todo: "Read the text, which is HikCentral's, and check its version and the rights of the partner.",
    cure: "setup",
    kinds: ["pause"],
  },
  kib_field_missing: {
    meaning:
      "The custom field for KIB numbers does not exist in HikCentral under its configured ID and name. The numbers wait for it; everybody gets everything else.",
    todo: "Correct `hikcentral.kib_field_id` or `hikcentral.kib_field_name`. The text of the pause lists the fields that HikCentral has.",
    cure: "setup",
    kinds: ["pause", "warning"],
  },
  organisation_missing: {
    meaning: "The organisation does not exist in HikCentral under its configured ID. New persons wait for it.",
    todo: "Correct `hikcentral.organisation`. The text lists the organisations that HikCentral has.",
    cure: "setup",
    kinds: ["pause"],
  },
  privilege_group_missing: {
    meaning:
      "The privilege group of a zone does not exist in HikCentral. The employees of the zone get everything else.",
    todo: "Correct the ID in `[regionals]`, or create the group, then trigger the date. The text lists the groups that HikCentral has.",
    cure: "setup",
    kinds: ["warning"],
  },
  hikcentral_untrusted: {
    meaning: "The certificate of HikCentral is not signed by an authority that this machine trusts.",
    todo: "Compare the SHA-256 in the text with the certificate that a browser on HikCentral's own machine shows for `https://localhost`. If they are equal, set `hikcentral.fingerprint` to it.",
    cure: "setup",
    kinds: ["pause"],
  },
  hikcentral_certificate_changed: {
    meaning: "HikCentral shows another certificate than the pinned one.",
    todo: "Ask who changed it. Compare the SHA-256 in the text with the certificate that a browser on HikCentral's own machine shows for `https://localhost`. If they are equal, set `hikcentral.fingerprint` to it.",
    cure: "setup",
    kinds: ["pause"],
  },
  already_exists: {
    meaning: "HikCentral says that the entry exists already, to a call that cannot use this answer.",
    todo: "Look at the person in HikCentral, then replay.",
    cure: "platform",
    isOfOne: true,
    kinds: ["dead letter"],
  },
  not_found: {
    meaning: "The person, field or group that the text names does not exist in HikCentral.",
    todo: "Find out whether it was deleted. Correct `[regionals]`, or trigger the date.",
    cure: "setup",
    kinds: ["dead letter"],
  },
  incorrect_parameter: {
    meaning: "HikCentral rejects a value of the call that the text names.",
    todo: "Check `hikcentral.organisation` and `hikcentral.gender`, then the record. Replay.",
    cure: "setup",
    kinds: ["dead letter"],
  },
  hikcentral_no_permission: {
    meaning: "The partner has no right to this person or group.",
    todo: "Give the partner the right in HikCentral, then replay.",
    cure: "setup",
    kinds: ["dead letter"],
  },
  hikcentral_device_offline: {
    meaning: "A device does not answer HikCentral.",
    todo: "Replay when the device is online again.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  hikcentral_operation_failed: {
    meaning: "HikCentral could not carry out the call.",
    todo: "Look at the log of HikCentral, then replay.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  hikcentral_busy: {
    meaning: "HikCentral was too busy at every attempt.",
    todo: "Lower `hikcentral.concurrency`, then replay.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  "hikcentral_code_<n>": {
    meaning: "HikCentral answered with a code that is not documented.",
    todo: "Read the text, which is HikCentral's. Replay, and report the code to us.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  eposh_down: {
    meaning: "Eposh does not answer.",
    todo: "Bring Eposh or the network back. The stages then resume by themselves.",
    cure: "platform",
    kinds: ["pause"],
  },
  eposh_unavailable: {
    meaning: "Eposh gave no answer, or answered with a server error.",
    todo: "Check Eposh. A pause ends by itself; replay a dead letter.",
    cure: "platform",
    kinds: ["pause", "dead letter"],
  },
  eposh_refused: {
    meaning: "Eposh refuses the key, has no page at this address, or refuses one date while it answers for others.",
    todo: "After HTTP 401 or 403 check `eposh.api_key` and `eposh.app_id`. After any other status check `eposh.url`; a dead letter is about one date: ask the people who run Eposh, then replay, or drop it if nobody was inducted.",
    cure: "setup",
    kinds: ["pause", "dead letter"],
    isOfOne: true,
  },
  eposh_untrusted: {
    meaning: "The certificate of Eposh is not signed by an authority that this machine trusts.",
    todo: "Check the clock of this machine, and whether a proxy stands between. If the certificate is Eposh's own, set `eposh.ca_file`.",
    cure: "setup",
    kinds: ["pause"],
  },
  eposh_busy: {
    meaning: "Eposh asked us to slow down at every attempt.",
    todo: "Replay later.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  eposh_bad_page: {
    meaning:
      "The answer of Eposh is not a page of employees, is empty although Eposh counts some, or has letters that its charset does not hold.",
    todo: "Check `eposh.url`, and ask the people who run Eposh what has changed. Replay a dead letter.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  count_mismatch: {
    meaning: "Eposh gave another number of employees than it counts, in three fetches of the date.",
    todo: "Trigger the date again later.",
    cure: "platform",
    kinds: ["warning"],
  },
  photo_unavailable: {
    meaning:
      "The host of the photo gave no answer, or answered with an error. The person is at the gate; the face follows by itself.",
    todo: "Check the host. Photos are tried again until `photo.give_up_after` has passed; then trigger the date.",
    cure: "platform",
    kinds: ["pause", "dead letter"],
  },
  photo_refused: {
    meaning:
      "The host refuses the photo (401, 403 or another 4xx): the link has expired, or nothing is behind it. The photo is tried again, and meanwhile is the case `no_photo`. Only a stage of your own becomes a dead letter with it.",
    todo: "Trigger the date: Eposh gives new links.",
    cure: "record",
    kinds: ["dead letter"],
  },
  photo_untrusted: {
    meaning:
      "The certificate of the photo host is not signed by an authority that this machine trusts. The person is at the gate; the face follows by itself.",
    todo: "Check the clock of this machine, and whether a proxy stands between. If the certificate is the host's own, set `photo.ca_file`.",
    cure: "setup",
    kinds: ["pause", "dead letter"],
  },
  photo_host_not_allowed: {
    meaning: "The photo link leads to a host that is not allowed. The person is at the gate without this face.",
    todo: "If the host is right, add it to `photo.allowed_hosts`, reload, then trigger the date.",
    cure: "setup",
    kinds: ["dead letter", "warning"],
  },
} satisfies CodeEntries;
