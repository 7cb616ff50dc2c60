// Words of what is stuck.
import { addWords } from "../shared/words";

addWords({
  "stuck.title": ["待处理", "Stuck"],
  "stuck.lead": [
    "办不下去的事：为什么、下一步做什么。没有的就是一切正常。",
    "What does not go on: why, and what to do. Nothing here means all is well.",
  ],
  "stuck.again": ["刷新", "Look again"],
  "stuck.requests": ["制证申请", "Requests"],
  "stuck.none": ["没有失败或久等的申请。", "No request failed or waits too long."],
  "stuck.step.retry": ["失败：排除原因后重试", "Failed: mend the cause, then retry"],
  "stuck.step.clear_up": ["失败：先查明，不要重试", "Failed: find out first, do not retry"],
  "stuck.step.start": ["还没有开始：看制证进程，不用重试", "Not begun: see the workers, nothing to retry"],
  "stuck.count": ["{count} 件，最早自 {at}", "{count}, the first since {at}"],
  "stuck.next": ["下一步：{text}", "Next: {text}"],
  "stuck.retry_all": ["重试这些申请", "Retry these"],
  "stuck.retry": ["重试", "Retry"],
  "stuck.retried": ["已安排重试 {count} 件", "{count} will be tried at once"],
  "stuck.rows": ["最早的申请", "The oldest requests"],
  "stuck.row": ["{body}　业务流水号 {no}", "{body}, business number {no}"],
  "stuck.attempts": ["已试 {count} 次，{at} 更新", "Tried {count} times, updated {at}"],
  "stuck.parked": ["存放的事件", "Parked events"],
  "stuck.parked_lead": [
    "消息总线送来、没有办成的事件。查明原因（通常由来源系统更正）后再重放；内容只有来源系统能看。",
    "Events of the broker that could not be carried out. Replay them once the cause is mended; only the sender sees what they say.",
  ],
  "stuck.parked_none": ["没有存放的事件。", "No event is parked."],
  "stuck.replay": ["重放", "Replay"],
  "stuck.replayed": ["已重放", "Replayed"],
  "stuck.reservations": ["未答的用印", "Seal uses without an answer"],
  "stuck.reservations_lead": [
    "进程中断后结果不明的用印，按已用计入额度。查明后在服务器上核定：",
    "Uses whose answer a crash took; they stay counted. Find out, then settle each on the server:",
  ],
  "stuck.reservations_none": ["没有未答的用印。", "Every use has an answer."],
  "stuck.relays": ["事件的分发", "Events"],
  "stuck.relays_none": ["没有落后的消费者。", "Nobody is late."],
  "stuck.behind": ["{name} 落后 {count} 个事件，自 {at}", "{name} is {count} events behind, since {at}"],
  "stuck.behind_next": [
    "请确认分发进程（certsvc relay）在运行，并查看它的日志；恢复后自动补齐，不会丢失。",
    "See that certsvc relay runs and read its log; it catches up by itself and loses nothing.",
  ],
  "stuck.unsequenced": ["{count} 个事件等待编号，自 {at}", "{count} events wait for a position, since {at}"],
  "stuck.deliveries": ["{count} 次推送已放弃", "{count} deliveries were given up"],
  "stuck.deliveries_next": ["在“推送”中重发。", "Replay them under Webhooks."],
  "stuck.to_webhooks": ["打开“推送”", "Open Webhooks"],
  "stuck.deliveries_ask": [
    "请系统管理员在“推送”中重发，或由接入系统自行重放。",
    "Ask an operator to replay them under Webhooks, or the system that subscribed.",
  ],
});
