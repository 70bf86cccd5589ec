package phrase

import (
	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/text/message/catalog"
)

var chinese = catalogue{
	kinds: map[chat.Kind]entry{
		chat.Malformed:        {"请求格式错误", "无法理解该请求!"},
		chat.Unauthorized:     {"未登录", "用户不存在或尚未登录, 请重新登录..."},
		chat.TokenExpired:     {"令牌已过期", "token 已过期! 请重新获取令牌"},
		chat.TokenInvalid:     {"令牌不合法", "Token 令牌不合法!"},
		chat.SessionEnded:     {"登录过期", "登录过期! 请重新登录..."},
		chat.BadCredentials:   {"账号或密码错误", "账号或密码错误, 请重新输入账号密码"},
		chat.AccountDisabled:  {"账号已禁用", "你已被禁用"},
		chat.Muted:            {"已被禁言", "你已被禁言, 暂时不能发言"},
		chat.Forbidden:        {"没有权限", "你没有权限进行此操作"},
		chat.VIPRequired:      {"仅限会员", "只有会员才能进行此操作"},
		chat.NotAMember:       {"不是群成员", "你不是该房间的成员"},
		chat.Blocked:          {"已被拉黑", "对方拒绝接收你的消息"},
		chat.NotFriends:       {"不是好友", "你们还不是好友"},
		chat.NotFound:         {"未找到", "内容不存在, 或你无权查看"},
		chat.UsernameTaken:    {"用户名已存在", "该用户名已被使用"},
		chat.EmailTaken:       {"邮箱已存在", "该邮箱已被使用"},
		chat.PhoneTaken:       {"手机号已存在", "该手机号已被使用"},
		chat.Conflict:         {"冲突", "与已有内容冲突"},
		chat.TooLarge:         {"内容过大", "请求内容过大"},
		chat.UnsupportedMedia: {"不支持的类型", "不支持该内容类型"},
		chat.Invalid:          {"参数错误", "提交的内容不符合要求"},
		chat.CodeInvalid:      {"验证码无效", "验证码错误、已使用或已过期"},
		chat.RateLimited:      {"请求过于频繁", "请求过于频繁, 请稍后再试"},
		chat.Internal:         {"服务器错误", "服务器出错了"},
		chat.Unavailable:      {"暂不可用", "服务暂时不可用, 请稍后再试"},
	},
	reasons: map[chat.Reason]string{
		chat.SignedInElsewhere: "你的账号在其他设备登录",
		chat.Replaced:          "该设备已在别处重新连接",
		chat.SignedOut:         "登录过期! 请重新登录...",
		chat.DeviceRemoved:     "该设备已被移除, 请重新登录...",
		chat.PasswordChanged:   "密码已修改, 请重新登录...",
		chat.Disabled:          "你已被禁用",
		chat.ByAdmin:           "管理员已将该设备下线",
		chat.AccountRemoved:    "该账号已注销",
	},
	fields: map[string]catalog.Message{
		"required":     say("不能为空"),
		"too_short":    say("太短了"),
		"too_short %d": say("至少 %d 个字符"),
		"too_long":     say("太长了"),
		"too_long %d":  say("最多 %d 个字符"),
		"too_small":    say("太小了"),
		"too_small %d": say("不能小于 %d"),
		"too_large":    say("太大了"),
		"too_large %d": say("不能大于 %d"),
		"too_many":     say("太多了"),
		"too_many %d":  say("最多 %d 个"),
		"self":         say("不能是你自己"),
		"format":       say("格式不正确"),
		"unknown":      say("不是有效的取值"),
		"conflict":     say("与其他字段冲突"),

		"username too_short %d":        say("用户名至少 %d 个字符"),
		"username too_long %d":         say("用户名最多 %d 个字符"),
		"username format":              say("用户名只能由文字、数字、'_'、'-' 和 '.' 组成"),
		"password too_short %d":        say("密码至少 %d 个字符"),
		"password too_long %d":         say("密码最多 %d 个字符"),
		"new_password too_short %d":    say("密码至少 %d 个字符"),
		"new_password too_long %d":     say("密码最多 %d 个字符"),
		"password_hash conflict":       say("密码和密码哈希只能提供一个"),
		"nickname too_long %d":         say("昵称最多 %d 个字符"),
		"email format":                 say("邮箱格式不正确"),
		"bio too_long %d":              say("个人简介最多 %d 个字符"),
		"locale format":                say("语言格式不正确, 例如 en 或 zh-CN"),
		"phone format":                 say("手机号为 5 到 15 位数字, 可以 '+' 开头"),
		"count too_large %d":           say("一次最多 %d 个"),
		"vip_days too_small %d":        say("会员激活码至少 %d 天"),
		"vip_days too_large %d":        say("会员激活码最多 %d 天"),
		"ttl format":                   say("不是有效的时长, 例如 720h 或 1h30m"),
		"file too_large %d":            say("图片最多 %d 像素"),
		"users too_long %d":            say("一次最多 %d 人"),
		"to format":                    say("user、room、conversation 只能填写其中一个"),
		"tags required":                say("标签不能为空"),
		"tags too_long %d":             say("标签最多 %d 个字符"),
		"message.text required":        say("消息不能为空!"),
		"message.text too_long %d":     say("消息最多 %d 个字符"),
		"message.mentions too_long %d": say("一条消息最多提及 %d 人"),
	},
	field: "不符合要求",
	mails: map[chat.MailKind]letter{
		chat.MailSignUpCode: {"您的验证码: {code}", `欢迎使用 Tieline!

您的注册验证码是 {code}, 五分钟内有效。

如果这不是您本人的操作, 可能是他人填错了邮箱地址, 请忽略此邮件。
`},
		chat.MailResetCode: {"您的重置密码验证码: {code}", `您的 Tieline 账号重置密码的验证码是 {code}, 五分钟内有效。

如果这不是您本人的操作, 请忽略此邮件, 并且不要把验证码告诉任何人。
`},
		chat.MailAlreadyKnown: {"您已经有账号了", `有人 (可能是您本人) 正在用这个邮箱地址注册 Tieline, 但该邮箱已属于您的账号。

如果是您本人, 请直接用邮箱登录; 忘记密码时可以重置密码。如果不是, 请忽略此邮件。
`},
		chat.MailAddressChanged: {"您的邮箱地址已更改", `您的 Tieline 账号不再使用这个邮箱地址。

如果这不是您本人的操作, 说明有人登录了您的账号, 请立即修改密码。
`},
	},
}
