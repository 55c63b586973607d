import type { CodeEntries } from "./code-entry.ts";

/** About the daemon itself, its broker, its stages and its operators. */
export const daemonCodes = {
  paused_by_operator: {
    meaning: "An operator paused the stage. The pause outlives restarts.",
    todo: "Run `hikvision-sync resume STAGE` when the stage may continue.",
    cure: "setup",
    kinds: ["pause"],
  },
  bad_message: {
    meaning: "A message on the queue of the stage is not one that the stage accepts.",
    todo: "Find out which program published the message, then drop it.",
    cure: "platform",
    isOfOne: true,
    kinds: ["dead letter"],
  },
  bad_result: {
    meaning: "A stage returned something that the next stage does not accept.",
    todo: "Fix the stage, then replay.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  no_result: {
    meaning: "A stage returned nothing, although another stage comes after it.",
    todo: "Fix the stage, then replay.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  stage_timeout: {
    meaning: "A stage took longer than its deadline at every attempt.",
    todo: "Find out what the stage waits for, then replay.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  unexpected_error: {
    meaning: "A stage failed at every attempt with an error of another kind than retry, reject and unavailable.",
    todo: "Read the text of the error and fix its cause, then replay.",
    cure: "platform",
    kinds: ["dead letter"],
  },
  decoder_failed: {
    meaning:
      "The process that decodes the photos could not be started. Persons are made; their faces follow by themselves.",
    todo: "Check the free memory and the limit of processes on this machine.",
    cure: "platform",
    kinds: ["pause", "dead letter"],
  },
  crashed_daemon: {
    meaning: "The daemon ended abruptly four times while it worked on this message, the last time on it alone.",
    todo: "Find out what in the message ends the daemon, then replay. After four power cuts replay at once.",
    cure: "platform",
    isOfOne: true,
    kinds: ["dead letter"],
  },
  unknown: {
    meaning: "The dead letter does not say why it failed: another program put it there.",
    todo: "Read it with `hikvision-sync dead show ID`, then replay or drop it.",
    cure: "platform",
    isOfOne: true,
    kinds: ["dead letter"],
  },
  ended: {
    meaning: "A stage ended the message on purpose, or an operator cancelled its run.",
    todo: "Nothing.",
    cure: "platform",
    kinds: ["journal"],
  },
  stalled: {
    meaning: "Messages wait for a stage, and for `broker.stall_timeout` none was finished.",
    todo: "Nothing at first: systemd restarts the daemon. If it happens again, find out what the stage waits for.",
    cure: "platform",
    kinds: ["journal"],
  },
  broker_away: {
    meaning: "The broker cannot be reached or written. Work waits, and the trigger answers 503.",
    todo: "RabbitMQ: start it, and check `broker.url`. Embedded queue: make room on the disk. Work then continues by itself.",
    cure: "platform",
    kinds: ["journal"],
  },
  broker_blocked: {
    meaning: "RabbitMQ is in an alarm: it accepts no message until it has memory and disk space again.",
    todo: "Run `rabbitmq-diagnostics alarms` on its machine, and make room there.",
    cure: "platform",
    kinds: ["journal"],
  },
  unreachable_queues: {
    meaning:
      "RabbitMQ answers, but the node that holds these queues is gone. What is in them waits; other queues go on.",
    todo: "Start that node again: `rabbitmqctl cluster_status` names it. See docs/cluster.md for queues that survive a node.",
    cure: "platform",
    kinds: ["journal"],
  },
  unconsumed_queue: {
    meaning: "A queue holds messages and has no consumer.",
    todo: "Enable its stage (`stages.disabled`), or start the worker that consumes the queue.",
    cure: "setup",
    kinds: ["journal"],
  },
  reload_refused: {
    meaning: "The changed configuration has errors. The previous one is still in use.",
    todo: "Correct what the text names, then reload.",
    cure: "setup",
    kinds: ["journal"],
  },
  run_lost: {
    meaning: "A run is not done, and no queue holds a message of it: a queue was purged, replaced or left behind.",
    todo: "Trigger the dates of the run again.",
    cure: "platform",
    kinds: ["journal"],
  },
  files_removed: {
    meaning:
      "Files of the state folder were removed or replaced while the daemon runs; what it wrote to them is lost at its end.",
    todo: "Put them back if they were moved. Otherwise restart the daemon, and trigger the dates of the runs that were not done.",
    cure: "platform",
    kinds: ["journal"],
  },
  needs_restart: {
    meaning: "Some changed values are applied only by a restart.",
    todo: "Run `systemctl restart hikvision-sync` when it suits you.",
    cure: "setup",
    kinds: ["journal"],
  },
  wrong_token: {
    meaning: "Somebody called the daemon with a wrong token, from the address in the text.",
    todo: "Find out who it is. After ten wrong tokens in a minute further ones from there are slowed down; the right token always works.",
    cure: "setup",
    kinds: ["journal"],
  },
} satisfies CodeEntries;
