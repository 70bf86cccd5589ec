package main_test

import "testing"

// everyday are stories that come true whatever Redis is made of.
var everyday = map[string]func(*testing.T, ...storyOption){
	"messages cross nodes":                messagesCrossNodes,
	"missed messages come":                missedMessagesCome,
	"signing in elsewhere displaces":      signingInDisplaces,
	"a killed node loses nothing":         killedNodeLosesNothing,
	"a killed node's users are offline":   killedNodesUsersAreOffline,
	"an emptied Redis loses nothing":      emptiedRedisLosesNothing,
	"the lobby over a Redis that forgets": lobbyLosesNothing,
}

// All three forms of Redis run the same stories; one server runs each of them as
// a test of its own, too.
func TestEveryFormOfRedis(t *testing.T) {
	t.Parallel()
	for _, form := range []redisForm{behindSentinels, asCluster} {
		for name, tell := range everyday {
			t.Run(form.String()+": "+name, func(t *testing.T) {
				t.Parallel()
				tell(t, redisIs(form))
			})
		}
	}
}
