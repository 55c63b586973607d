"""A worker that is none of ours: pika as Debian has it, queues declared as the original declares them (durable,
without arguments), messages without headers.

    python_chain.py URL bounce QUEUE COUNT   takes COUNT messages off a queue and puts each body back on it
    python_chain.py URL feed QUEUE           puts each line of its input, a message in JSON, on a queue
"""

import json
import sys

import pika


def main(url, mode, queue, count="0"):
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.queue_declare(queue=queue, durable=True)
    channel.confirm_delivery()

    def publish(message):
        persistent = pika.BasicProperties(delivery_mode=2)
        channel.basic_publish("", queue, json.dumps(message), persistent, mandatory=True)

    if mode == "feed":
        for line in sys.stdin:
            publish(json.loads(line))
    else:
        taken = []
        for method, _, body in channel.consume(queue, inactivity_timeout=20):
            if method is None:
                sys.exit(f"{queue}: {len(taken)} messages instead of {count}")
            taken.append((method.delivery_tag, json.loads(body)))
            if len(taken) == int(count):
                break
        for tag, message in taken:
            publish(message)
            channel.basic_ack(tag)
        channel.cancel()
    connection.close()


main(*sys.argv[1:])
