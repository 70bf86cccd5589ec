package verify

// Rule names a kind of broken promise; the comment says which promise of the
// contract it is.
type Rule string

// The rules that Check goes by.
const (
	RuleLost        Rule = "lost"         // 1: acknowledged, and not in the history
	RuleUndelivered Rule = "undelivered"  // 1: kept, and never shown to a device that should have it
	RuleTwice       Rule = "twice"        // 2: shown again to a device that had it
	RuleTwoSeqs     Rule = "two_seqs"     // 2: one id became two messages
	RuleConflict    Rule = "conflict"     // 2: another body was taken, or not told conflict, or the same body was
	RuleOneSeq      Rule = "one_seq"      // 3: two messages have one place
	RuleHole        Rule = "hole"         // 3: seqs with a hole, or not ascending
	RuleDisagree    Rule = "disagreement" // 3: two readers see different things in one place
	RuleOrder       Rule = "order"        // 3: seqs against the order sent on one connection
	RuleOvertaken   Rule = "overtaken"    // 3: shown against that order
	RuleSynced      Rule = "synced"       // 4: the count is not that of the frames, or something was still missing
	RuleOffset      Rule = "offset"       // 4: an offset from before the one resumed from, or going back
	RuleGap         Rule = "gap"          // 4: declared where too little was missed
	RuleStranded    Rule = "stranded"     // 4: could not come back
	RuleSurvivors   Rule = "survivors"    // 6: of several sign-ins at once not exactly one stayed
	RuleNotTold     Rule = "not_told"     // 6: signed out, and not told so, or not closed
	RuleCameBack    Rule = "came_back"    // 6: signed out, and let in without signing in again
	RuleWrongKick   Rule = "wrong_kick"   // 6: closed although nobody had signed it out
	RuleReadBack    Rule = "read_back"    // a read cursor went back
	RuleStranger    Rule = "stranger"     // shown to somebody it was not for
)

// Violation is a promise that was broken, told in one sentence, with the events
// that show it.
type Violation struct {
	Rule     Rule    `json:"rule"`
	Text     string  `json:"text"`
	Evidence []Event `json:"evidence"`
}
