import { t } from "../shared/words";

/** How old something is, in words: "3 小时", "25 分钟". */
export function ageOf(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return t("offline.age_now");
  if (minutes < 120) return t("offline.age_minutes", { minutes });
  return t("offline.age_hours", { hours: Math.floor(minutes / 60) });
}
