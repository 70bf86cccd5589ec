package chat

// CodePurpose is what a code that is sent by e-mail is good for. Purposes cross
// the wire, so they are only ever added, never changed.
type CodePurpose string

// The purposes of codes sent by e-mail.
const (
	ForSignUp CodePurpose = "register"
	ForReset  CodePurpose = "reset"
)

// MailedCode is what is kept of a code that is sent by e-mail.
type MailedCode struct {
	Purpose CodePurpose
	Address string // hash of the address that it is sent to
	Hash    string // of the code; "": the mail has none
}

// MailKind is what a mail tells its reader.
type MailKind string

// The kinds of mails.
const (
	MailSignUpCode     MailKind = "sign_up_code"    // Code
	MailResetCode      MailKind = "reset_code"      // Code
	MailAlreadyKnown   MailKind = "already_known"   // somebody wants to sign up with an address that has an account
	MailAddressChanged MailKind = "address_changed" // to the address that an account had until now
)

// Mail is one mail to one person. It is a secret of theirs if it has a Code.
type Mail struct {
	To       string // an e-mail address; empty: nobody, so that nothing is sent
	Kind     MailKind
	Code     string
	Language string // that the reader prefers, as in Accept-Language
}
