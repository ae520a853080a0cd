/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `leat` can do: one function per verb, called with the arguments behind the verb.
 * stdout carries data, stderr messages. Each returns the exit status: 0 done, 1 failed,
 * 2 usage, 69 Kafka or Leat is not reachable, 78 bad configuration.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_UNAVAILABLE = 69,
    EXIT_CONFIG = 78
};

int verb_dev(int argc, const char *const *argv);
int verb_models(int argc, const char *const *argv);
int verb_topics(int argc, const char *const *argv);
int verb_doctor(int argc, const char *const *argv);
int verb_infer(int argc, const char *const *argv);
int verb_cancel(int argc, const char *const *argv);
int verb_get(int argc, const char *const *argv);
int verb_keys(int argc, const char *const *argv);
int verb_demo(int argc, const char *const *argv);
int verb_webhooks(int argc, const char *const *argv);
int verb_webhook(int argc, const char *const *argv);

#endif
