// Package testserver lends tests real servers: Redis and MariaDB, each in a
// temporary directory on a free port, stopped with the test that asked for it.
// Redis comes alone, behind sentinels or as a cluster, and with a Proxy before
// it on which things go wrong. Mail is a mail server within the test itself.
//
// A test that only needs some database or some Redis asks for Database or
// RedisURL; these are what TIELINE_TEST_DATABASE_URL and TIELINE_TEST_REDIS_URL
// redirect to servers that run elsewhere. A test that breaks its server, by
// killing, stopping or freezing it, asks for MariaDB or Redis and has one to
// itself. SentinelURL and RedisClusterURL lend what the tests of a binary share;
// those who break it ask for Sentinel or RedisCluster.
//
// The programs redis-server and mariadbd have to be installed. A test that asks
// for one that is not there fails: a skipped test proves nothing.
package testserver
